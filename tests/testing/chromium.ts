/** Where Debian has Chromium: the command, and the program behind it. */
const places = ["chromium", "/usr/lib/chromium/chromium"];

/** A real browser with one page, driven by its own protocol; no library between. @see https://chromedevtools.github.io/devtools-protocol/ */
export interface Browser extends AsyncDisposable {
  /** Sends a command to the page. */
  send(method: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Opens a URL and waits until all of it is loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Every URL that the page has asked for. */
  readonly requests: string[];
  /** What the browser has complained about, such as a style that its policy forbids. */
  readonly complaints: string[];
}

/** The path of Chromium, or `undefined` when there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const path of places) {
    try {
      const { success } = await new Deno.Command(path, {
        args: ["--version"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Starts Chromium without a window. Its profile goes away with it. */
export async function startChromium(path: string): Promise<Browser> {
  const profile = await Deno.makeTempDir({ prefix: "capsule-chromium-" });
  const child = new Deno.Command(path, {
    // Root, as in a container, has no sandbox.
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  const reader = child.stderr.getReader();
  let text = "";
  let address: string | undefined;
  while (address === undefined) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`Chromium ended before it listened:\n${text}`);
    text += decoder.decode(value, { stream: true });
    address = /DevTools listening on (ws:\S+)\n/.exec(text)?.[1];
  }
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();

  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot reach Chromium at ${address}`));
  });
  const answers = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const requests: string[] = [];
  const complaints: string[] = [];
  let loaded = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (id !== undefined) {
      const answer = answers.get(id);
      answers.delete(id);
      if (error) answer?.reject(new Error(error.message));
      else answer?.resolve(result);
    }
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
    if (method === "Log.entryAdded") complaints.push(params.entry.text);
    if (method === "Page.loadEventFired") loaded.resolve();
  };
  let next = 0;
  const call = (method: string, params: Record<string, unknown>, sessionId?: string) => {
    const answer = Promise.withResolvers<Record<string, unknown>>();
    answers.set(++next, answer);
    socket.send(JSON.stringify({ id: next, method, params, sessionId }));
    return answer.promise;
  };
  const { targetInfos } = await call("Target.getTargets", {}) as {
    targetInfos: { type: string; targetId: string }[];
  };
  const page = targetInfos.find(({ type }) => type === "page");
  if (page === undefined) throw new Error("Chromium has no page");
  const { sessionId } = await call("Target.attachToTarget", {
    targetId: page.targetId,
    flatten: true,
  });
  const send: Browser["send"] = (method, params = {}) => call(method, params, String(sessionId));
  for (const domain of ["Page", "Network", "Log"]) await send(`${domain}.enable`);

  return {
    send,
    requests,
    complaints,
    async open(url) {
      loaded = Promise.withResolvers();
      await send("Page.navigate", { url });
      await loaded.promise;
    },
    async evaluate(expression) {
      const { result } = await send("Runtime.evaluate", { expression, returnByValue: true }) as {
        result: { value: unknown };
      };
      return result.value;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => socket.onclose = resolve);
      await call("Browser.close", {}).catch(() => {});
      await closed;
      await child.status;
      await drained;
      await Deno.remove(profile, { recursive: true });
    },
  };
}
