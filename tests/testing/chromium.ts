import { launch, type Page } from "puppeteer-core";

/** Paths of Debian's Chromium: the command, and the program that it starts. */
const paths = ["/usr/bin/chromium", "/usr/lib/chromium/chromium"];

/** A browser with one page. */
export interface Browser extends AsyncDisposable {
  readonly page: Page;
  /** Opens a URL and waits until the page is loaded. */
  open(url: string): Promise<void>;
  /**
   * Returns the value of an expression in the page; of a promise, the one that it resolves with.
   */
  evaluate(expression: string): Promise<unknown>;
  /** URLs that the page has requested. */
  readonly requests: string[];
  /** Messages of the browser, such as those of a blocked style. */
  readonly complaints: string[];
}

/** Returns the path of Chromium, or `undefined` if it is not installed. */
export async function findChromium(): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await Deno.stat(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Starts Chromium without a window, with an empty profile that is removed afterwards. */
export async function startChromium(executablePath: string): Promise<Browser> {
  const profile = await Deno.makeTempDir({ prefix: "capsule-chromium-" });
  const browser = await launch({
    executablePath,
    userDataDir: profile,
    args: [
      "--headless",
      // Root, as in a container, has no sandbox.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const [page = await browser.newPage()] = await browser.pages();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  const session = await page.createCDPSession();
  session.on("Log.entryAdded", ({ entry }) => complaints.push(entry.text));
  await session.send("Log.enable");
  return {
    page,
    requests,
    complaints,
    async open(url) {
      await page.goto(url, { waitUntil: "load" });
    },
    evaluate: (expression) => page.evaluate(expression),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await Deno.remove(profile, { recursive: true });
    },
  };
}
