import assert from "node:assert/strict";
import { Peer, RawServer } from "./peers.ts";
import { between } from "./scene.ts";
import { startProxy } from "./start_proxy.ts";

const get = "GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("Wire: a client that ends its side and reads late gets no bytes of another client", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  const mebibyte = (letter: string) => new Uint8Array(1024 * 1024).fill(letter.charCodeAt(0));
  using slow = await Peer.connect(proxy.port);
  await slow.send(get);
  const first = await upstream.accept();
  await first.until("\r\n\r\n");
  await first.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
  const { count, sent } = await first.sendUntilStuck(mebibyte("A"), 64);
  assert.ok(count < 64);
  // The proxy's write to the client stalls, from a buffer that is reused later.
  await slow.closeWrite();
  await sent;

  using other = await Peer.connect(proxy.port);
  await other.send(get);
  const second = await upstream.accept();
  await second.until("\r\n\r\n");
  await second.send(`HTTP/1.1 200 OK\r\nContent-Length: ${1024 * 1024}\r\n\r\n`);
  await second.send(mebibyte("B"));
  await other.until("\r\n\r\n");
  await other.count(1024 * 1024);

  const received = await slow.toEnd();
  assert.match(received.slice(received.indexOf("\r\n\r\n") + 4), /^A+$/);
});

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

/** Responses after which the connection to the upstream is not used again. */
const oddAnswers: ReadonlyArray<
  readonly [what: string, method: string, answer: string, arrives: string]
> = [
  [
    "bytes after the answer",
    "GET",
    ok + evil,
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\nok",
  ],
  [
    "a line's end after the answer",
    "GET",
    ok + "\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\nok",
  ],
  [
    "a HEAD answered with a body",
    "HEAD",
    ok,
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\n",
  ],
  [
    "a 304 with a body",
    "GET",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\n",
  ],
  [
    "a 204 with a body to come",
    "GET",
    "HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nVia: 1.1 capsule\r\n\r\n",
  ],
  [
    "a 204 in chunks",
    "GET",
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nVia: 1.1 capsule\r\n\r\n",
  ],
  [
    "chunks in HTTP/1.0",
    "GET",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVia: 1.0 capsule\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  [
    "a length in an interim answer",
    "GET",
    "HTTP/1.1 103 Early Hints\r\nContent-Length: 90\r\n\r\n" + ok + evil,
    "HTTP/1.1 103 Early Hints\r\nVia: 1.1 capsule\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 capsule\r\n\r\nok",
  ],
];

for (const [what, method, answer, arrives] of oddAnswers) {
  Deno.test(`Attempt: ${what}: the next request uses another connection`, () =>
    between(async ({ client, upstream }) => {
      await client.send(`${method} /functions/f HTTP/1.1\r\nHost: x\r\n\r\n`);
      const first = await upstream.accept();
      await first.until("\r\n\r\n");
      await first.send(answer);
      assert.equal(await client.exactly(arrives.length), arrives);
      await client.send(get);
      assert.equal(await first.toEnd(), "");
      const second = await upstream.accept();
      await second.until("\r\n\r\n");
      await second.send(ok);
      assert.match(await client.message(), /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/);
    }, { timeouts: { firstByteMs: 2000 } }));
}

Deno.test("Upstream: a connection with unsolicited bytes is not used again", () =>
  between(async ({ client, upstream }) => {
    await client.send(get);
    const first = await upstream.accept();
    await first.until("\r\n\r\n");
    await first.send(ok);
    await client.message();
    await first.send(
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert.equal(await first.toEnd(), "");
    await client.send(get);
    const second = await upstream.accept();
    await second.until("\r\n\r\n");
    await second.send(ok);
    assert.match(await client.message(), /ok$/);
  }));

Deno.test("Attempt: after an early response, the rest of the body is not a request", () =>
  between(async ({ client, upstream }) => {
    const smuggled = "GET /functions/f?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    const body = `hello${smuggled}`;
    await client.send(
      `POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\nhello`,
    );
    const first = await upstream.accept();
    await first.until("hello");
    await first.send(ok);
    assert.match(await client.message(), /\r\nConnection: close\r\n[^]*ok$/);
    await client.send(smuggled).catch(() => {});
    assert.equal(await client.toEnd(), "");
    assert.equal(await first.toEnd(), "");
    using next = await Peer.connect(upstream.port);
    // Connections are accepted in order: a smuggled request would be on the next one.
    await next.send("mine");
    next.close();
    assert.equal(await (await upstream.accept()).toEnd(), "mine");
  }));

Deno.test("readResponse: 101 needs an offered protocol and the whole request", async (test) => {
  const switched = (headers: string) => `HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`;
  for (
    const [what, request, answer, why] of [
      [
        "before the body",
        `POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n${upgrade}\r\nhello`,
        switched(upgrade),
        "the upstream changed the protocol before it had the whole request",
      ],
      [
        "another protocol",
        `GET /functions/f HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`,
        switched("Upgrade: tls/1.2\r\nConnection: Upgrade\r\n"),
        "the upstream changed to a protocol that the client did not offer",
      ],
      [
        "no protocol",
        `GET /functions/f HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`,
        switched("Connection: Upgrade\r\n"),
        "the upstream changed to a protocol that the client did not offer",
      ],
      [
        "h2c is never offered",
        `GET /functions/f HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n`,
        switched("Upgrade: h2c\r\nConnection: Upgrade\r\n"),
        "the upstream changed the protocol without a request for it",
      ],
    ] as const
  ) {
    await test.step(what, () =>
      between(async ({ client, upstream }) => {
        await client.send(request);
        const peer = await upstream.accept();
        await peer.until("\r\n\r\n");
        await peer.send(answer);
        const received = await client.message();
        assert.match(received, /^HTTP\/1\.1 502 /);
        assert.equal(JSON.parse(received.slice(received.indexOf("\r\n\r\n"))).why, why);
        await peer.toEnd();
      }));
  }
  await test.step("one of several, in other case", () =>
    between(async ({ client, upstream }) => {
      await client.send(
        "GET /functions/f HTTP/1.1\r\nHost: x\r\nUpgrade: chat/2, WebSocket\r\nConnection: Upgrade\r\n\r\n",
      );
      const peer = await upstream.accept();
      await peer.until("\r\n\r\n");
      await peer.send(switched(upgrade));
      assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 101 /);
    }));
});

Deno.test("Attempt: a body that becomes invalid cuts the response under way", () =>
  between(async ({ client, upstream }) => {
    await client.send(
      "POST /functions/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    );
    const peer = await upstream.accept();
    await peer.until("hi\r\n");
    // This body ends with the connection: a cut must not look like its end.
    await peer.send("HTTP/1.1 200 OK\r\n\r\n");
    const { sent } = await peer.sendUntilStuck(new Uint8Array(1024 * 1024), 64);
    await client.send("x\r\n");
    await sent;
    assert.doesNotMatch((await client.toEnd()).slice(-64), /\r\n0\r\n/);
  }));

Deno.test("writeRequestFields: drops headers that CGI cannot tell from framing or X-Forwarded", () =>
  between(async ({ client, upstream }) => {
    await client.send(
      "POST /functions/f HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded_Host: evil\r\nX_Own: 1\r\n" +
        "Content_Length: 4\r\nTransfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi",
    );
    const peer = await upstream.accept();
    assert.equal(
      await peer.until("hi"),
      "POST / HTTP/1.1\r\nHost: x\r\nX_Own: 1\r\nContent-Length: 2\r\nX-Forwarded-For: 127.0.0.1\r\n" +
        "X-Forwarded-Host: x\r\nX-Forwarded-Proto: http\r\nVia: 1.1 capsule\r\n\r\nhi",
    );
  }));

Deno.test("ProxyServer.stop: without a grace period, cuts a client with pipelined requests", () =>
  between(async ({ client, upstream, proxy }) => {
    await client.send(get.repeat(100));
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    const stopped = proxy.server.stop(0).then(() => "stopped");
    // The stop does not wait for the upstream's timeout.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const waits = new Promise((resolve) =>
      timer = setTimeout(() => resolve("still waits"), 10_000)
    );
    assert.equal(await Promise.race([stopped, waits]), "stopped");
    clearTimeout(timer);
    assert.equal(await client.toEnd(), "");
    assert.equal(await peer.toEnd(), "");
  }));

Deno.test("ClientConnection: the body of a request that the proxy refuses is not a request", async (test) => {
  const smuggled = "GET /functions/f?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const chunked = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
  const length = `Content-Length: ${smuggled.length}\r\n`;
  for (
    const [what, request, again] of [
      ["by length", `POST /functions/none HTTP/1.1\r\nHost: x\r\n${length}\r\n${smuggled}`, true],
      [
        "in chunks",
        `POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
        true,
      ],
      [
        "that waits for 100",
        `POST /functions/none HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${length}\r\n${smuggled}`,
        false,
      ],
      [
        "longer than anybody reads",
        `POST /functions/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n${
          "x".repeat(300_000)
        }`,
        false,
      ],
    ] as const
  ) {
    await test.step(what, () =>
      between(async ({ client, upstream }) => {
        await client.send(request);
        assert.match(await client.message(), /^HTTP\/1\.1 404 /);
        if (!again) return assert.equal(await client.toEnd(), "");
        await client.send(get);
        const peer = await upstream.accept();
        assert.equal(await peer.until("\r\n"), "GET / HTTP/1.1\r\n");
      }));
  }
});
