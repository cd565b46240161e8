import assert from "node:assert/strict";
import { Peer } from "../peers.ts";
import { between, post } from "../scene.ts";

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("RequestSender: forwards 100-continue, then the interim response, then the body", () =>
  between(async ({ client, upstream }) => {
    await client.send(post("Content-Length: 2\r\nExpect: 100-continue\r\n"));
    const peer = await upstream.accept();
    assert.match(await peer.until("\r\n\r\n"), /\r\nExpect: 100-continue\r\n/);
    await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 100 /);
    await client.send("hi");
    assert.equal(await peer.exactly(2), "hi");
    await peer.send(ok);
    assert.match(await client.message(), /^HTTP\/1\.1 200 /);
    await client.send(get);
    await peer.until("\r\n\r\n");
  }));

Deno.test("RequestSender: forwards an early refusal and ends the connection", () =>
  between(async ({ client, upstream }) => {
    await client.send(post("Content-Length: 2\r\nExpect: 100-continue\r\n"));
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    const received = await client.toEnd();
    assert.match(received, /^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n/);
    assert.equal(await peer.toEnd(), "");
  }));

Deno.test("RequestSender: with 100-continue, time counts only against the side that is due", async (test) => {
  const expecting = post("Content-Length: 2\r\nExpect: 100-continue\r\n");
  /** Resolves when a request that was sent later has been refused for its timeout. */
  const otherIsLate = async (port: number, request: string, status: number) => {
    using other = await Peer.connect(port);
    await other.send(request);
    assert.match(await other.toEnd(), new RegExp(`^HTTP/1\\.1 ${status} `));
  };
  await test.step("an upstream that is slow to send 100", () =>
    between(async ({ client, upstream, proxy }) => {
      await client.send(expecting);
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await otherIsLate(proxy.port, post("Content-Length: 2\r\n"), 408);
      await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      await client.until("\r\n\r\n");
      await client.send("hi");
      assert.equal(await peer.exactly(2), "hi");
      await peer.send(ok);
      assert.match(await client.message(), /^HTTP\/1\.1 200 /);
    }, { timeouts: { bodyMs: 100 } }));
  await test.step("an upstream that never sends 100, and a client that sends slowly without it", () =>
    between(async ({ client, upstream, proxy }) => {
      await client.send(expecting);
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await client.send("h");
      assert.equal(await peer.exactly(1), "h");
      await otherIsLate(proxy.port, post("Content-Length: 0\r\nConnection: close\r\n"), 504);
      await client.send("i");
      assert.equal(await peer.exactly(1), "i");
      await peer.send(ok);
      assert.match(await client.message(), /^HTTP\/1\.1 200 /);
    }, { timeouts: { firstByteMs: 200 } }));
  await test.step("an upstream that sends nothing", () =>
    between(async ({ client, upstream }) => {
      await client.send(expecting);
      const peer = await upstream.accept();
      assert.match(await client.toEnd(), /^HTTP\/1\.1 504 /);
      assert.match(await peer.toEnd(), /\r\n\r\n$/);
    }, { timeouts: { firstByteMs: 100 } }));
  await test.step("a client that gets its 100 and sends nothing", () =>
    between(async ({ client, upstream }) => {
      await client.send(expecting);
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      await client.until("\r\n\r\n");
      assert.match(await client.toEnd(), /^HTTP\/1\.1 408 /);
      await peer.toEnd();
    }, { timeouts: { bodyMs: 100 } }));
});
