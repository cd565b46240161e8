import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";
import { findChromium, startChromium } from "../testing/chromium.ts";

const chromium = await findChromium();

/** A page that opens a WebSocket beside itself, sends two messages and shows the echo. */
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

// With CI set, Chromium is required.
const ignore = chromium === undefined && !Deno.env.get("CI");

Deno.test(
  "proxy: a page talks to its function through the proxy by a WebSocket",
  { ignore },
  async () => {
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
      assert.equal(await browser.evaluate("window.over"), "4001,enough,true");
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
  },
);

/** A page that calls the admin interface of its own origin in every way that a script has. */
const attack = `<!doctype html><meta charset="utf-8"><title>attack</title><script>
const added = { function: "added", revision: "default", url: location.origin };
const status = async (method, path, body) => (await fetch("/memory/functions/" + path, {
  method, referrerPolicy: "no-referrer", ...(body && { body: JSON.stringify(body) }),
})).status;
const framed = () => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.onload = () => resolve(frame.contentDocument.body.textContent);
  frame.src = "/memory/functions/list";
  document.body.append(frame);
});
window.attack = async () => [
  await status("GET", "list"),
  await status("HEAD", "list"),
  await status("POST", "registration", added),
  await status("DELETE", "registration", { function: "page" }),
  JSON.parse(await framed()).code,
];
</script><body></body>`;

Deno.test(
  "proxy: a page of a function does not pass the guard of the admin interface",
  { ignore },
  async () => {
    assert(chromium, "Chromium is not installed (Debian: chromium)");
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(attack, { headers: { "content-type": "text/html; charset=utf-8" } }),
    );
    await using proxy = await startCapsule(["-mode=reverse-proxy", "-backend=memory"]);
    const admin = `${proxy.url}/memory/functions`;
    const route = {
      function: "page",
      revision: "default",
      url: `http://127.0.0.1:${server.addr.port}`,
    };
    const registered = await fetch(`${admin}/registration`, {
      method: "POST",
      body: JSON.stringify(route),
    });
    assert.equal(registered.status, 202, await registered.text());
    await using browser = await startChromium(chromium);
    await browser.open(`${proxy.url}/functions/page`);
    assert.deepEqual(await browser.evaluate("window.attack()"), [
      403,
      403,
      403,
      403,
      "PAGE_REFUSED",
    ]);
    // A user may still open the list by its address.
    await browser.open(`${admin}/list`);
    const list = { page: { default: [route.url] } };
    assert.deepEqual(JSON.parse(String(await browser.evaluate("document.body.textContent"))), list);
  },
);
