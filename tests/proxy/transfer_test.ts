import assert from "node:assert/strict";
import { Peer } from "./peers.ts";
import { between, post } from "./scene.ts";

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("moveBody: streams a request body as it arrives, in chunks and by length", () =>
  between(async ({ client, upstream }) => {
    await client.send(
      post("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n") + "3;a=b\r\nabc\r\n",
    );
    const peer = await upstream.accept();
    assert.match(
      await peer.until("\r\n\r\n"),
      /\r\nTrailer: X-Sum\r\n[^]*\r\nTransfer-Encoding: chunked\r\n\r\n$/,
    );
    assert.equal(await peer.until("abc\r\n"), "3\r\nabc\r\n");
    await client.send("2\r\nde\r\n");
    assert.equal(await peer.until("de\r\n"), "2\r\nde\r\n");
    await client.send("0\r\nX-Sum: 5\r\nHost: evil\r\n\r\n");
    assert.equal(await peer.until("\r\n\r\n"), "0\r\nX-Sum: 5\r\n\r\n");
    await peer.send(ok);
    await client.message();

    await client.send(post("Content-Length: 6\r\n") + "abc");
    await peer.until("\r\n\r\n");
    assert.equal(await peer.exactly(3), "abc");
    await client.send("def");
    assert.equal(await peer.exactly(3), "def");
    await peer.send(ok);
    assert.match(await client.message(), /ok$/);
  }));

Deno.test("relayResponse: server-sent events arrive one by one", () =>
  between(async ({ client, upstream }) => {
    await client.send(get);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    await client.until("\r\n\r\n");
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      await peer.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      assert.equal(await client.until(event), `9\r\n${event}`);
      await client.until("\r\n");
    }
  }));

Deno.test("proxy: connections are reused on both sides", () =>
  between(async ({ client, upstream }) => {
    await client.send(get);
    const peer = await upstream.accept();
    for (let i = 0; i < 3; i++) {
      await peer.until("\r\n\r\n");
      await peer.send(ok);
      await client.message();
      await client.send(get);
    }
  }));

Deno.test("Upstream: an unsolicited response is not taken for the next one", () =>
  between(async ({ client, upstream }) => {
    await client.send(get);
    const first = await upstream.accept();
    await first.until("\r\n\r\n");
    await first.send(ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await client.message();
    await client.send(get);
    const second = await upstream.accept();
    await second.until("\r\n\r\n");
    await second.send(ok);
    assert.match(await client.message(), /ok$/);
    assert.equal(await first.toEnd(), "");
  }));

Deno.test("Attempt: a client that leaves cuts its request, before the response and in it", () =>
  between(async ({ client, upstream, proxy }) => {
    await client.send(get);
    const waiting = await upstream.accept();
    await waiting.until("\r\n\r\n");
    client.close();
    assert.equal(await waiting.toEnd(), "");

    using sender = await Peer.connect(proxy.port);
    await sender.send(post("Content-Length: 10\r\n") + "half");
    const half = await upstream.accept();
    await half.until("half");
    sender.close();
    assert.equal(await half.toEnd(), "");

    using reader = await Peer.connect(proxy.port);
    await reader.send(get);
    const endless = await upstream.accept();
    await endless.until("\r\n\r\n");
    await endless.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await reader.until("a");
    reader.close();
    assert.equal(await endless.toEnd(), "");
  }));

Deno.test("moveBody: a slow receiver stops its sender, in both directions", () =>
  between(async ({ client, upstream }) => {
    const piece = new Uint8Array(1024 * 1024);
    const most = 64;
    await client.send(post("Content-Length: 1000000000\r\n"));
    const peer = await upstream.accept();
    const up = await client.sendUntilStuck(piece, most);
    assert.ok(up.count < most, "the proxy took 64 MiB that the upstream did not read");
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const down = await peer.sendUntilStuck(piece, most);
    assert.ok(down.count < most, "the proxy took 64 MiB that the client did not read");
    client.close();
    peer.close();
    await Promise.all([up.sent, down.sent]);
  }));

Deno.test("moveBody: 64 MiB arrive complete in each direction", () =>
  between(async ({ client, upstream }) => {
    const size = 64 * 1024 * 1024;
    const piece = new Uint8Array(size / 64).map((_, index) => index % 251);
    await client.send(post(`Content-Length: ${size}\r\n`));
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    const up = peer.count(size);
    for (let i = 0; i < 64; i++) await client.send(piece);
    assert.equal(await up, size);
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    await client.until("\r\n\r\n");
    const down = client.count(size);
    for (let i = 0; i < 64; i++) await peer.send(piece);
    assert.equal(await down, size);
    await client.send(get);
    await peer.until("\r\n\r\n");
  }));

Deno.test("ClientConnection: a late head or body is a 408; an idle connection just ends", () =>
  between(async ({ client, upstream, proxy }) => {
    await client.send("GET /functions/f HTT");
    assert.match(await client.toEnd(), /^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);

    using sender = await Peer.connect(proxy.port);
    await sender.send(post("Content-Length: 10\r\n") + "half");
    const peer = await upstream.accept();
    assert.match(await sender.toEnd(), /^HTTP\/1\.1 408 /);
    assert.match(await peer.toEnd(), /half$/);

    using idle = await Peer.connect(proxy.port);
    assert.equal(await idle.toEnd(), "");
  }, { timeouts: { headMs: 100, bodyMs: 100, keepAliveMs: 200 } }));

Deno.test("MinimumRate: a body of single bytes is late, however often one arrives", () =>
  between(async ({ client, upstream }) => {
    await client.send(post("Content-Length: 100000\r\n"));
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    const answer = client.toEnd();
    let dripping = true;
    answer.then(() => dripping = false);
    while (dripping) {
      await client.send("x").catch(() => {});
      // Waits for the byte or for the end.
      if (!await peer.receive()) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(await answer, /^HTTP\/1\.1 408 /);
  }, { timeouts: { bodyMs: 200 } }));

Deno.test("Attempt: a silent upstream is a 504 before its response, and a cut one in it", () =>
  between(async ({ client, upstream, proxy }) => {
    await client.send(get);
    const hung = await upstream.accept();
    const answer = await client.message();
    assert.match(
      answer,
      /^HTTP\/1\.1 504 Gateway Timeout\r\n[^]*"code":"ERROR_UPSTREAM_TIMEOUT"[^]*"why":"no answer within 100 ms"/,
    );
    assert.match(await hung.toEnd(), /\r\n\r\n$/);

    using second = await Peer.connect(proxy.port);
    await second.send(get);
    const half = await upstream.accept();
    await half.until("\r\n\r\n");
    await half.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    assert.match(await second.toEnd(), /\r\n\r\nhello$/);
  }, { timeouts: { firstByteMs: 100, idleMs: 150 } }));

Deno.test("ProxyServer.stop: lets requests finish with `Connection: close`, ends idle connections", () =>
  between(async ({ client, upstream, proxy }) => {
    using idle = await Peer.connect(proxy.port);
    await client.send(get);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    const stopped = proxy.server.stop(60_000);
    assert.equal(await idle.toEnd(), "");
    await assert.rejects(Peer.connect(proxy.port), Deno.errors.ConnectionRefused);
    await peer.send(ok);
    assert.match(await client.toEnd(), /\r\nConnection: close\r\n[^]*ok$/);
    await stopped;
  }));

Deno.test("ProxyServer.stop: without a grace period, cuts requests under way", () =>
  between(async ({ client, upstream, proxy }) => {
    await client.send(get);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await proxy.server.stop(0);
    assert.equal(await client.toEnd(), "");
    assert.equal(await peer.toEnd(), "");
  }));

Deno.test("moveBody: large chunked bodies arrive complete at a slow receiver, both ways", () =>
  between(async ({ client, upstream }) => {
    const pieces = Array.from(
      { length: 600 },
      (_, index) => `${index};`.repeat(1 + index * 7 % 4000),
    );
    const whole = pieces.join("");
    const send = async (peer: Peer) => {
      for (const piece of pieces) await peer.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      await peer.send("0\r\n\r\n");
    };
    const receive = async (peer: Peer) => {
      let body = "";
      for (;;) {
        const size = Number.parseInt(await peer.until("\r\n"), 16);
        if (size === 0) break;
        body += await peer.exactly(size);
        await peer.until("\r\n");
      }
      return body;
    };
    await client.send(post("Transfer-Encoding: chunked\r\n"));
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    const [up] = await Promise.all([receive(peer), send(client)]);
    assert.ok(up === whole, `${up.length} of ${whole.length}`);
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    await client.until("\r\n\r\n");
    const [down] = await Promise.all([receive(client), send(peer)]);
    assert.ok(down === whole, `${down.length} of ${whole.length}`);
  }));
