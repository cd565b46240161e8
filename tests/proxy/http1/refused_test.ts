import assert from "node:assert/strict";
import { Peer, RawServer } from "../peers.ts";
import { badChunks, refusedRequests } from "./refused_requests.ts";
import { startProxy } from "../start_proxy.ts";

const good = "GET /functions/f?good HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("parseRequestHead: an ambiguous request is refused and does not reach an upstream", async (test) => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  for (const [what, request, status = 400] of refusedRequests) {
    await test.step(what, async () => {
      using client = await Peer.connect(proxy.port);
      // A server that ends the first request elsewhere would find another one here.
      await client.send(request + good).catch(() => {});
      const answer = await client.toEnd();
      assert.match(
        answer,
        new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nconnection: close\r\n[^]*"code":"`),
      );
      assert.equal(answer.match(/^HTTP\/1\.1 \d/gm)?.length, 1);
    });
  }
  // Connections are accepted in order: the good request is on the first one.
  using client = await Peer.connect(proxy.port);
  await client.send(good);
  const peer = await upstream.accept();
  assert.match(await peer.until("\r\n"), /^GET \/\?good HTTP\/1\.1\r\n$/);
});

Deno.test("ChunkDecoder: an invalid chunk is a 400, and the upstream's request is cut", async (test) => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  for (const [what, body] of badChunks) {
    await test.step(what, async () => {
      using client = await Peer.connect(proxy.port);
      await client.send(
        `POST /functions/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}${good}`,
      );
      const peer = await upstream.accept();
      const arrived = await peer.toEnd();
      assert.ok(!arrived.includes("\r\n0\r\n"), arrived);
      assert.ok(!arrived.includes("good"), arrived);
      assert.match(await client.toEnd(), /^HTTP\/1\.1 400 [^]*connection: close\r\n/);
    });
  }
});

Deno.test("ClientConnection: pipelined requests get their responses in order", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  upstream.serve((head) =>
    `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${head.includes("?first") ? 1 : 2}`
  );
  using client = await Peer.connect(proxy.port);
  await client.send(
    "POST /functions/f?first HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\r\n" +
      "GET /functions/f?second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  const bodies = (await client.toEnd()).split("\r\n\r\n").slice(1).map((each) => each[0]);
  assert.deepEqual(bodies, ["1", "2"]);
});
