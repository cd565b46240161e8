import assert from "node:assert/strict";
import { freePort } from "../testing/free_port.ts";
import { Peer, RawServer } from "./peers.ts";
import { startProxy } from "./start_proxy.ts";
import { parseRanges } from "../../src/proxy/clients/address_ranges.ts";

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Makes one request on a new connection and returns status and body. */
async function ask(
  port: number,
  target: string,
  head = "",
  method = "GET",
  sent = "",
): Promise<{ status: number; body: string }> {
  using client = await Peer.connect(port);
  await client.send(
    `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n${sent}`,
  );
  const received = await client.toEnd();
  return {
    status: Number(received.slice(9, 12)),
    body: received.slice(received.indexOf("\r\n\r\n") + 4),
  };
}

Deno.test("forward: 404 for an unknown function or revision, 503 without a URL, 502 if refused", async () => {
  const port = freePort();
  await using proxy = startProxy({ f: { default: [`http://127.0.0.1:${port}`], empty: [] } });
  const failure = async (target: string) => {
    const { status, body } = await ask(proxy.port, target);
    const { code, message, ...more } = JSON.parse(body);
    return [status, code, message, more];
  };
  assert.deepEqual(await failure("/functions/g"), [
    404,
    "ERROR_FUNCTION_NOT_FOUND",
    "g does not exist",
    { function: "g" },
  ]);
  assert.deepEqual((await failure("/functions/f/red/a")).slice(0, 3), [
    404,
    "ERROR_REVISION_NOT_FOUND",
    "red of f does not exist",
  ]);
  assert.deepEqual((await failure("/functions/f/empty")).slice(0, 2), [503, "ERROR_NO_UPSTREAM"]);
  assert.deepEqual(await failure("/functions/f"), [
    502,
    "ERROR_UPSTREAM_UNREACHABLE",
    `http://127.0.0.1:${port} did not answer for default of f: connection refused`,
    {
      function: "f",
      revision: "default",
      upstream: `http://127.0.0.1:${port}`,
      why: "connection refused",
    },
  ]);
  assert.deepEqual(await failure("/elsewhere?q"), [
    404,
    "PAGE_NOT_FOUND",
    "no page for GET /elsewhere",
    {},
  ]);
  assert.deepEqual((await failure("/memory/functions/list")).slice(0, 2), [404, "PAGE_NOT_FOUND"]);
  assert.deepEqual((await failure("/functions/")).slice(0, 2), [404, "PAGE_NOT_FOUND"]);
});

Deno.test("forward: a refused POST is sent to the next URL, and the first one is ejected", async () => {
  using well = new RawServer();
  well.serve(() => ok("well"));
  const refusing = `http://127.0.0.1:${freePort()}`;
  await using proxy = startProxy({ f: { default: [refusing, well.url] } }, {
    balance: "round-robin",
  });
  for (let i = 0; i < 4; i++) {
    assert.deepEqual(await ask(proxy.port, "/functions/f", "Content-Length: 0\r\n", "POST"), {
      status: 200,
      body: "well",
    });
  }
  const [first] = proxy.server.routing.upstreams;
  assert.deepEqual([first?.url, first?.health.fails, first?.usable], [refusing, 1, false]);
  assert.deepEqual(proxy.logged, [`${refusing} gets no requests for 10 s: connection refused`]);
});

Deno.test("forward: makes at most three attempts", async () => {
  const urls = Array.from({ length: 5 }, () => `http://127.0.0.1:${freePort()}`);
  await using proxy = startProxy({ f: { default: urls } });
  assert.equal((await ask(proxy.port, "/functions/f")).status, 502);
  const fails = Array.from(proxy.server.routing.upstreams, ({ health }) => health.fails);
  assert.equal(fails.reduce((sum, each) => sum + each, 0), 3);
});

for (
  const [method, body, times] of [
    ["GET", "", 3],
    ["PUT", "", 3],
    ["POST", "", 1],
    ["PATCH", "", 1],
    [
      "PUT",
      "x",
      1,
    ],
  ] as const
) {
  Deno.test(`Attempt: a ${method} ${body && "with a body "}cut without a response is sent ${times}×`, async () => {
    using upstreams = new RawServer();
    using second = new RawServer();
    using third = new RawServer();
    let received = 0;
    const cut = async (server: RawServer) => {
      for (;;) {
        const peer = await server.accept().catch(() => undefined);
        if (peer === undefined) return;
        await peer.until("\r\n\r\n");
        received++;
        peer.close();
      }
    };
    const all = [upstreams, second, third];
    const serving = all.map(cut);
    await using proxy = startProxy({ f: { default: all.map(({ url }) => url) } });
    const { status } = await ask(
      proxy.port,
      "/functions/f",
      `Content-Length: ${body.length}\r\n`,
      method,
      body,
    );
    assert.equal(status, 502);
    assert.equal(received, times);
    for (const each of all) each[Symbol.dispose]();
    await Promise.all(serving);
  });
}

Deno.test("Upstream: a closed idle connection fails no request, not even a POST", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  using client = await Peer.connect(proxy.port);
  for (const method of ["POST", "GET", "POST"]) {
    await client.send(`${method} /functions/f HTTP/1.1\r\nHost: x\r\n\r\n`);
    const peer = await upstream.accept();
    await peer.until("\r\n\r\n");
    await peer.send(ok("ok"));
    assert.match(await client.message(), /ok$/);
    peer.close();
    await untilIdleIsGone();
  }
  const [only] = proxy.server.routing.upstreams;
  assert.equal(only?.health.fails, 0);
});

/** The end of a local connection is noticed within a turn or two of the event loop. */
async function untilIdleIsGone(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Upstream: an ejected one gets one request after its time, and all after a response", async () => {
  using upstream = new RawServer();
  using other = new RawServer();
  other.serve(() => ok("other"));
  await using proxy = startProxy({ f: { default: [upstream.url, other.url] } }, {
    balance: "round-robin",
    rules: { maxFails: 1, failTimeoutMs: 2000 },
  });
  const cutting = upstream.accept().then(async (peer) => {
    await peer.until("\r\n\r\n");
    peer.close();
  });
  assert.equal((await ask(proxy.port, "/functions/f")).body, "other");
  await cutting;
  const [first] = proxy.server.routing.upstreams;
  assert.equal(first?.usable, false);
  for (let i = 0; i < 4; i++) assert.equal((await ask(proxy.port, "/functions/f")).body, "other");
  // No request while its time runs out: it could be the trial.
  while (!first?.usable) await new Promise((resolve) => setTimeout(resolve, 10));
  // After its time one request tries it, and all others go elsewhere meanwhile.
  const asked = [
    ask(proxy.port, "/functions/f"),
    ask(proxy.port, "/functions/f"),
    ask(proxy.port, "/functions/f"),
  ];
  const probe = await upstream.accept();
  await probe.until("\r\n\r\n");
  assert.equal((await Promise.race(asked)).body, "other");
  assert.equal(first.usable, false);
  await probe.send(ok("again"));
  assert.deepEqual((await Promise.all(asked)).map(({ body }) => body).sort(), [
    "again",
    "other",
    "other",
  ]);
  assert.deepEqual([first.health.fails, first.usable], [0, true]);
});

Deno.test("RoutingTable.pick: if all are ejected, all are tried", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({
    f: { default: [`http://127.0.0.1:${freePort()}`, upstream.url] },
  });
  const dropping = upstream.accept().then((peer) => peer.close());
  assert.equal((await ask(proxy.port, "/functions/f")).status, 502);
  await dropping;
  assert.deepEqual(Array.from(proxy.server.routing.upstreams, ({ usable }) => usable), [
    false,
    false,
  ]);
  upstream.serve(() => ok("back"));
  assert.deepEqual(await ask(proxy.port, "/functions/f"), { status: 200, body: "back" });
});

Deno.test("RoutingTable: weights share requests between URLs and between revisions", async () => {
  using a = new RawServer();
  using b = new RawServer();
  a.serve(() => ok("a"));
  b.serve(() => ok("b"));
  await using proxy = startProxy({}, { balance: "round-robin" });
  proxy.server.update(
    new Map([
      ["urls", {
        revisions: new Map([["default", [{ url: a.url, weight: 3 }, { url: b.url, weight: 1 }]]]),
      }],
      ["canary", {
        revisions: new Map([["default", [{ url: a.url, weight: 1 }]], ["orange", [{
          url: b.url,
          weight: 1,
        }]]]),
        weights: new Map([["default", 9], ["orange", 1]]),
      }],
    ]),
  );
  const share = async (target: string, count: number) => {
    let ofA = 0;
    for (let i = 0; i < count; i++) if ((await ask(proxy.port, target)).body === "a") ofA++;
    return ofA;
  };
  assert.equal(await share("/functions/urls", 8), 6);
  assert.equal(await share("/functions/canary", 20), 18);
  assert.equal(await share("/functions/canary/orange", 3), 0);
});

Deno.test("forward: hash keeps a value of the header at one URL", async () => {
  using a = new RawServer();
  using b = new RawServer();
  a.serve(() => ok("a"));
  b.serve(() => ok("b"));
  await using proxy = startProxy({ f: { default: [a.url, b.url] } }, {
    balance: "hash",
    hashHeader: "x-user",
  });
  const seen = new Set<string>();
  for (let user = 0; user < 20; user++) {
    const answers = new Set<string>();
    for (let i = 0; i < 3; i++) {
      answers.add((await ask(proxy.port, "/functions/f", `X-User: ${user}\r\n`)).body);
    }
    assert.equal(answers.size, 1);
    for (const each of answers) seen.add(each);
  }
  assert.equal(seen.size, 2);
});

Deno.test("writeRequestFields: X-Forwarded headers of a trusted proxy are kept and extended", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } }, {
    trustedProxies: parseRanges(["127.0.0.0/8"]),
  });
  using client = await Peer.connect(proxy.port);
  await client.send(
    "GET /functions/f HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\n" +
      "X-Forwarded-Proto: https\r\n\r\n",
  );
  const peer = await upstream.accept();
  assert.equal(
    await peer.until("\r\n\r\n"),
    "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 9.9.9.9, 8.8.8.8, 127.0.0.1\r\n" +
      "X-Forwarded-Host: x\r\nVia: 1.1 capsule\r\n\r\n",
  );
});

Deno.test("relayResponse: a reset in a response cuts the client's transfer, ejects the upstream", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  using client = await Peer.connect(proxy.port);
  await client.send("GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n");
  const peer = await upstream.accept();
  await peer.until("\r\n\r\n");
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  await client.until("hello");
  peer.close();
  assert.equal(await client.toEnd(), "");
  const [only] = proxy.server.routing.upstreams;
  assert.equal(only?.usable, false);
});

Deno.test("relayResponse: a response of single bytes is forwarded byte by byte", async () => {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  using client = await Peer.connect(proxy.port);
  await client.send("GET /functions/f HTTP/1.1\r\nHost: x\r\n\r\n");
  const peer = await upstream.accept();
  await peer.until("\r\n\r\n");
  const head = "HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const byte of head) await peer.send(byte);
  assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\nX: 1\r\n/);
  for (const byte of "hello") {
    await peer.send("1\r\n");
    await peer.send(`${byte}\r`);
    await peer.send("\n");
    assert.equal(await client.exactly(6), `1\r\n${byte}\r\n`);
  }
  for (const byte of "0\r\nX-Sum: 5\r\n\r\n") await peer.send(byte);
  assert.equal(await client.until("\r\n\r\n"), "0\r\nX-Sum: 5\r\n\r\n");
});

Deno.test("Upstream.dial: localhost is found on both loopback addresses", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    let server: Deno.HttpServer<Deno.NetAddr>;
    try {
      server = Deno.serve({ hostname, port: 0, onListen: () => {} }, () => new Response(hostname));
    } catch (error) {
      // A machine without IPv6.
      if (hostname === "::1" && error instanceof Deno.errors.AddrNotAvailable) continue;
      throw error;
    }
    await using proxy = startProxy({ f: { default: [`http://localhost:${server.addr.port}`] } });
    assert.equal((await ask(proxy.port, "/functions/f")).status, 200);
    await proxy.server.stop(0);
    await server.shutdown();
  }
});

Deno.test("Upstream: one connection serves many clients, one after another", async () => {
  using upstream = new RawServer();
  let connections = 0;
  const serving = (async () => {
    for (;;) {
      const peer = await upstream.accept().catch(() => undefined);
      if (peer === undefined) return;
      connections++;
      (async () => {
        try {
          for (;;) {
            await peer.message();
            await peer.send(ok("ok"));
          }
        } catch {
          peer.close();
        }
      })();
    }
  })();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  for (let i = 0; i < 10; i++) assert.equal((await ask(proxy.port, "/functions/f")).status, 200);
  assert.equal(connections, 1);
  upstream[Symbol.dispose]();
  await serving;
});
