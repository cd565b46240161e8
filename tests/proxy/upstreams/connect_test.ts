import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Peer, RawServer } from "../peers.ts";
import { startProxy } from "../start_proxy.ts";

const tls = fileURLToPath(new URL("../../testdata/tls/localhost", import.meta.url));

async function post(port: number): Promise<string> {
  using client = await Peer.connect(port);
  await client.send(
    "POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
  );
  return await client.toEnd();
}

Deno.test("Upstream.dial: a POST is retried after an untrusted certificate, as nothing was sent", async () => {
  let received = 0;
  const stranger = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: await Deno.readTextFile(`${tls}.crt`),
    key: await Deno.readTextFile(`${tls}.key`),
    onListen: () => {},
  }, () => new Response(String(++received)));
  using well = new RawServer();
  well.serve(() => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell");
  const secure = `https://127.0.0.1:${stranger.addr.port}`;
  await using proxy = startProxy({ f: { default: [secure, well.url] } }, {
    balance: "round-robin",
  });
  assert.match(await post(proxy.port), /^HTTP\/1\.1 200 [^]*well$/);
  assert.match(
    proxy.logged.join(),
    new RegExp(`^${secure} gets no requests for 10 s: .*certificate`),
  );
  assert.equal(received, 0);
  await stranger.shutdown();
});

Deno.test("Upstream.dial: a TLS handshake that does not end is a 504 after -connectTimeout", async () => {
  using silent = new RawServer();
  await using proxy = startProxy({ f: { default: [silent.url.replace("http:", "https:")] } }, {
    timeouts: { connectMs: 200 },
  });
  const [answer, peer] = await Promise.all([post(proxy.port), silent.accept()]);
  assert.match(answer, /^HTTP\/1\.1 504 [^]*"why":"no connection within 200 ms"/);
  assert.equal((await peer.exactly(1)).charCodeAt(0), 22);
});

Deno.test({
  name: "Upstream.dial: a full accept queue is a 504 after -connectTimeout",
  // Other systems refuse connections when the queue is full.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // Nothing accepts: the kernel completes connections until the queue is full.
    using full = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = full.addr;
    const opened: Deno.Conn[] = [];
    try {
      for (let isFull = false; !isFull && opened.length < 20_000;) {
        const signal = AbortSignal.timeout(300);
        try {
          opened.push(await Deno.connect({ hostname: "127.0.0.1", port, signal }));
        } catch {
          isFull = true;
        }
      }
      await using proxy = startProxy({ f: { default: [`http://127.0.0.1:${port}`] } }, {
        timeouts: { connectMs: 200 },
      });
      assert.match(
        await post(proxy.port),
        /^HTTP\/1\.1 504 [^]*"why":"no connection within 200 ms"/,
      );
    } finally {
      for (const each of opened) each.close();
    }
  },
});
