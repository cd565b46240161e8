import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";
import { findChromium, startChromium } from "../testing/chromium.ts";

const chromium = await findChromium();

/** What the page does: opens a socket beside itself, says something, and shows what comes back. */
const page = `<!doctype html><meta charset="utf-8"><title>chat</title><pre></pre><script>
const said = document.querySelector("pre");
const socket = new WebSocket(location.href.replace("http", "ws").replace("/page", "/socket"), "chat");
socket.binaryType = "arraybuffer";
window.over = new Promise((resolve) => {
  socket.onopen = () => socket.send("👋 " + socket.protocol);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      said.textContent += data + "\\n";
      socket.send(new Uint8Array(300_000).fill(7));
    } else {
      said.textContent += data.byteLength + " bytes\\n";
      socket.close(4001, "enough");
    }
  };
  socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean].join());
});
</script>`;

Deno.test("a page that a browser opened through the proxy talks through it by a WebSocket", {
  // Where it must be there, its absence is a failure.
  ignore: chromium === undefined && !Deno.env.get("CI"),
}, async () => {
  assert(chromium, "Chromium is not installed (Debian: chromium)");
  const asked: string[] = [];
  const closed = Promise.withResolvers<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    if (request.headers.get("upgrade") !== "websocket") {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "chat" });
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onclose = ({ code, reason }) => closed.resolve(`${code},${reason}`);
    return response;
  });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/config.yaml`,
      `chat:\n  default: http://127.0.0.1:${server.addr.port}\n`,
    );
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      `-config=${folder}/config.yaml`,
    ]);
    await using browser = await startChromium(chromium);
    await browser.open(`${proxy.url}/functions/chat/default/page`);
    const { result } = await browser.send("Runtime.evaluate", {
      expression: "window.over",
      awaitPromise: true,
      returnByValue: true,
    }) as { result: { value: unknown } };
    assert.equal(result.value, "4001,enough,true");
    assert.equal(
      await browser.evaluate("document.querySelector('pre').textContent"),
      "👋 chat\n300000 bytes\n",
    );
    assert.equal(await closed.promise, "4001,enough");
    assert.deepEqual(asked.filter((path) => path !== "/favicon.ico"), ["/page", "/socket"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await server.shutdown();
  }
});
