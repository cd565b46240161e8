import assert from "node:assert/strict";
import { freePort } from "../testing/free_port.ts";
import { refused } from "../testing/refused.ts";
import { gzipSync } from "node:zlib";
import { CapsuleError } from "../../src/base/errors.ts";
import { guestMark } from "../../src/base/headers.ts";
import { createHttpClient, type HttpClientOptions } from "../../src/host/outbound/http_client.ts";
import type { OutboundRequest } from "../../src/host/outbound/message.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
/** Encodes a text as UTF-8 in a byte string. */
const byteString = (text: string) => String.fromCharCode(...utf8(text));

type Ask = (
  url: string,
  request?: Partial<OutboundRequest>,
) => Promise<{ status: number; headers: string[]; body: string }>;

/** Runs `use` with a function that sends requests, and closes the client afterwards. */
async function client(
  options: Partial<HttpClientOptions>,
  use: (ask: Ask) => Promise<void>,
): Promise<void> {
  const it = await createHttpClient({ timeoutMs: 60_000, maxResponseBytes: 1e6, ...options });
  try {
    await use(async (url, request) => {
      const answer = await it.request({
        url,
        method: "GET",
        headers: [],
        body: new Uint8Array(),
        ...request,
      });
      return {
        status: answer.status,
        headers: answer.headers.map(([n, v]) => `${n}: ${v}`),
        body: text(answer.body),
      };
    });
  } finally {
    await it.close();
  }
}

/** Runs `use` with a server on 127.0.0.1. */
async function server(
  handler: (request: Request) => Response | Promise<Response>,
  use: (origin: string, port: number) => Promise<void>,
): Promise<void> {
  const quiet = { onListen: () => {}, onError: () => new Response(null, { status: 500 }) };
  // A graceful shutdown would wait for handlers that never respond.
  const end = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: end.signal, ...quiet },
    handler,
  );
  try {
    await use(`http://127.0.0.1:${server.addr.port}`, server.addr.port);
  } finally {
    end.abort();
    await server.finished;
  }
}

/** Runs `use` with a server that sends these bytes and records the requests. */
async function rawServer(
  answers: (string | Uint8Array)[],
  use: (origin: string, asked: string[], connections: () => number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: string[] = [];
  let connections = 0;
  let turn = 0;
  const serve = async (connection: Deno.Conn) => {
    connections += 1;
    const buffer = new Uint8Array(65536);
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        asked.push(new TextDecoder("latin1").decode(buffer.subarray(0, count)));
        const answer = answers[Math.min(turn++, answers.length - 1)] ?? "";
        await connection.write(typeof answer === "string" ? utf8(answer) : answer);
        if (typeof answer === "string" && /^$|connection: close|cut/i.test(answer)) break;
      }
    } catch {
      // The client disconnected.
    } finally {
      connection.close();
    }
  };
  const serving = (async () => {
    const open: Promise<void>[] = [];
    for await (const connection of listener) open.push(serve(connection));
    await Promise.all(open);
  })();
  try {
    await use(`http://127.0.0.1:${listener.addr.port}`, asked, () => connections);
  } finally {
    listener.close();
    await serving;
  }
}

Deno.test("http client: every method, header and body passes unchanged in both directions", () =>
  server(async (request) => {
    const answer = `${request.method} ${request.headers.get("message")} ${await request.text()}`;
    const headers = { message: byteString("👋 hé"), "content-type": "text/x" };
    return new Response(request.method === "HEAD" ? null : answer, { status: 418, headers });
  }, (origin) =>
    client({}, async (ask) => {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"]) {
        const sent = {
          method,
          headers: [["Message", byteString("é🌍")]] as const,
          body: utf8("bödy"),
        };
        const { status, headers, body } = await ask(`${origin}/x`, sent);
        assert.equal(status, 418);
        assert.equal(body, `${method} ${byteString("é🌍")} bödy`);
        assert.ok(headers.includes(`message: ${byteString("👋 hé")}`), headers.join());
      }
      assert.equal((await ask(origin, { method: "" })).body, "GET null ");
      assert.equal((await ask(origin, { method: "HEAD" })).body, "");
    })));

Deno.test("http client: writes the request as Go's client does", () =>
  rawServer(
    ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    (origin, asked) =>
      client({}, async (ask) => {
        const host = new URL(origin).host;
        await ask(`${origin}/a/../b?x=%zz#frag`, {
          headers: [
            ["X-A", "1"],
            ["x-a", "2"],
            ["Host", "evil"],
            ["Content-Length", "99"],
            ["Transfer-Encoding", "chunked"],
            ["Connection", "X-A"],
            ["Expect", "100-continue"],
            ["Upgrade", "h2c"],
          ],
          body: utf8("a GET's body"),
        });
        assert.deepEqual(
          asked[0]?.split("\r\n").sort(),
          [
            "GET /a/../b?x=%zz HTTP/1.1",
            `host: ${host}`,
            "connection: keep-alive",
            "X-A: 1",
            "x-a: 2",
            "User-Agent: capsule",
            "Accept-Encoding: gzip",
            `${guestMark}: 1`,
            "content-length: 12",
            "",
            "a GET's body",
          ].sort(),
        );
        await ask(origin.replace("//", "//me:pw@"), {
          method: "POST",
          headers: [["User-Agent", "mine"], ["accept-encoding", "br"]],
        });
        const lines = asked[1]?.split("\r\n") ?? [];
        assert.ok(lines.includes("POST / HTTP/1.1"));
        for (
          const line of [
            `Authorization: Basic ${btoa("me:pw")}`,
            "User-Agent: mine",
            "accept-encoding: br",
            "content-length: 0",
          ]
        ) {
          assert.ok(lines.includes(line), line);
        }
        assert.ok(!lines.some((line) => line.includes("gzip")));
      }),
  ));

Deno.test("http client: sends a large body in blocks, with its length, and serves others meanwhile", () =>
  server(
    async ({ headers, body }) => {
      let size = 0;
      for await (const piece of body ?? []) size += piece.length;
      return new Response(
        `${size} ${headers.get("content-length")} ${headers.get("transfer-encoding")}`,
      );
    },
    (origin) =>
      client({}, async (ask) => {
        let turns = 0;
        const counter = setInterval(() => turns++, 0);
        const length = 50 * 1024 ** 2;
        const body = new Uint8Array(length).fill(97);
        const sent = await ask(origin, { method: "POST", body });
        clearInterval(counter);
        assert.equal(sent.body, `${length} ${length} null`);
        assert.ok(turns > 10, `${turns} turns of the event loop`);
      }),
  ));

Deno.test("http client: reuses a connection", () =>
  rawServer(
    ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    (origin, asked, connections) =>
      client({}, async (ask) => {
        for (let count = 0; count < 20; count++) assert.equal((await ask(origin)).body, "ok");
        assert.deepEqual([asked.length, connections()], [20, 1]);
      }),
  ));

Deno.test("http client: refuses an invalid header, method or URL before it sends anything", () =>
  rawServer([""], (origin, asked) =>
    client({}, async (ask) => {
      const header = (name: string, value: string) => ask(origin, { headers: [[name, value]] });
      await refused(
        header("X-A", "a\r\nX-B: c"),
        "HEADER",
        /^Get "http:\S+": the value of the header X-A has a line break/,
      );
      await refused(header("X-A", "a\0"), "HEADER", /control character/);
      await refused(header("X A", "a"), "HEADER", /"X A" is not a header name/);
      await refused(header("", "a"), "HEADER", /"" is not a header name/);
      await refused(ask(origin, { method: "GE T" }), "METHOD", /"GE T" is not an HTTP method/);
      await refused(ask(origin, { method: "CONNECT" }), "METHOD", /CONNECT is not supported/);
      await refused(
        ask("ftp://h/", { method: "POST" }),
        "URL",
        /^Post "ftp:\/\/h\/": the scheme "ftp" is not supported/,
      );
      assert.deepEqual(asked, []);
    })));

Deno.test("http client: reports a transport error with the URL, its password masked", () =>
  client(
    { resolve: () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" })) },
    async (ask) => {
      const port = freePort();
      await refused(
        ask(`http://me:secret@127.0.0.1:${port}/x`),
        "HTTP",
        new RegExp(`^Get "http://me:xxxxx@127.0.0.1:${port}/x": connection refused$`),
      );
      await refused(ask("http://no.such.host/"), "HTTP", /no such host$/);
      const rows: [string, RegExp][] = [
        ["nonsense\r\n\r\n", /the response is not HTTP\/1\.1/],
        [
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: cut\r\n\r\nabc",
          /: the (response ended early|server closed the connection)/,
        ],
        ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: cut\r\n\r\n3\r\nabc\r\n", /./],
        ["", /the server closed the connection before it responded/],
        [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(300_000)}\r\n\r\n`, /headers exceed 256 KiB/],
      ];
      for (const [answer, message] of rows) {
        await rawServer([answer], (origin) =>
          refused(ask(origin, { method: "POST" }), "HTTP", message));
      }
    },
  ));

Deno.test("http client: repeats only a safe request on a connection that closed while idle", async () => {
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  await rawServer([ok, "", ok], (origin, asked, connections) =>
    client({}, async (ask) => {
      assert.equal((await ask(origin)).body, "ok");
      assert.equal((await ask(origin)).body, "ok");
      assert.deepEqual([asked.length, connections()], [3, 2]);
    }));
  await rawServer([ok, "", ok], (origin, asked) =>
    client({}, async (ask) => {
      assert.equal((await ask(origin)).body, "ok");
      await refused(ask(origin, { method: "POST" }), "HTTP", /closed the connection/);
      assert.equal(asked.length, 2, "a POST is never sent twice");
    }));
  await rawServer([""], (origin, asked) =>
    client({}, async (ask) => {
      await refused(ask(origin), "HTTP", /closed the connection/);
      assert.equal(asked.length, 1, "nor is what a new connection did not answer");
    }));
});

Deno.test("http client: decompresses gzip that it requested itself, and no other encoding", () =>
  server((request) => {
    const { pathname } = new URL(request.url);
    const zipped = new Uint8Array(gzipSync("hello 👋"));
    const gzip = { "content-encoding": pathname === "/upper" ? "GZIP" : "gzip", etag: '"1"' };
    if (pathname === "/two") {
      return new Response(Uint8Array.of(...zipped, ...gzipSync(" again")), { headers: gzip });
    }
    if (pathname === "/bad") return new Response("no gzip", { headers: gzip });
    if (pathname === "/empty") return new Response(null, { headers: gzip });
    if (pathname === "/br") {
      return new Response("brotli?", { headers: { "content-encoding": "br" } });
    }
    return new Response(zipped, { headers: gzip });
  }, (origin) =>
    client({}, async (ask) => {
      for (const path of ["/", "/upper"]) {
        const { headers, body } = await ask(origin + path);
        assert.equal(body, "hello 👋");
        assert.ok(
          !headers.some((line) => /^content-(encoding|length)/i.test(line)),
          headers.join(),
        );
        assert.ok(headers.includes('etag: "1"'));
      }
      assert.equal((await ask(`${origin}/two`)).body, "hello 👋 again");
      assert.equal((await ask(`${origin}/empty`)).body, "");
      assert.equal((await ask(`${origin}/br`)).body, "brotli?");
      await refused(
        ask(`${origin}/bad`),
        "HTTP",
        /the response is not gzip, as its Content-Encoding says/,
      );
      const own = await ask(origin, { headers: [["Accept-Encoding", "gzip"]] });
      assert.ok(own.headers.includes("content-encoding: gzip"));
      assert.notEqual(own.body, "hello 👋");
    })));

Deno.test("http client: refuses a body above the limit, before and after decompression", () =>
  server((request) => {
    const { pathname, search } = new URL(request.url);
    const body = new Uint8Array(Number(search.slice(1))).fill(120);
    if (pathname === "/gzip") {
      return new Response(new Uint8Array(gzipSync(body)), {
        headers: { "content-encoding": "gzip" },
      });
    }
    return new Response(
      pathname === "/stream" ? ReadableStream.from([body.slice(0, 10), body.slice(10)]) : body,
    );
  }, (origin) =>
    client({ maxResponseBytes: 1000 }, async (ask) => {
      for (const path of ["/", "/stream", "/gzip"]) {
        assert.equal((await ask(`${origin}${path}?1000`)).body.length, 1000);
        await refused(
          ask(`${origin}${path}?1001`),
          "TOO_LARGE",
          /^Get "http:\S+": the response has more than 1000 bytes \(-maxResponse\)$/,
        );
      }
      await refused(ask(`${origin}/gzip?100000000`), "TOO_LARGE", /more than 1000 bytes/);
      assert.equal((await ask(`${origin}/?5000`, { method: "HEAD" })).body, "");
    })));

Deno.test("redirect: 307 and 308 repeat the request, the others become GET", () =>
  server(async (request) => {
    const { pathname } = new URL(request.url);
    const status = Number(pathname.slice(1));
    if (status) {
      return new Response(status === 304 ? null : "moved", {
        status,
        headers: { location: "there?q" },
      });
    }
    if (pathname === "/none") return new Response("nowhere", { status: 302 });
    const { headers } = request;
    return new Response(
      `${request.method} ${headers.get("content-type")} ${headers.get("x-mine")} ${await request
        .text()}`,
    );
  }, (origin) =>
    client({}, async (ask) => {
      const headers = [["Content-Type", "text/x"], ["X-Mine", "kept"]] as const;
      for (
        const [status, expected] of [[301, "GET"], [302, "GET"], [303, "GET"], [307, "POST"], [
          308,
          "POST",
        ]] as const
      ) {
        const { body } = await ask(`${origin}/${status}`, {
          method: "POST",
          headers,
          body: utf8("body"),
        });
        assert.equal(
          body,
          expected === "GET" ? "GET null kept " : "POST text/x kept body",
          `${status}`,
        );
      }
      assert.equal((await ask(`${origin}/302`, { method: "HEAD" })).status, 200);
      const { status, body } = await ask(`${origin}/none`);
      assert.deepEqual([status, body], [302, "nowhere"]);
      assert.equal((await ask(`${origin}/304`)).status, 304);
    })));

Deno.test("redirect: drops credential headers when it leaves the host", () =>
  server(
    ({ headers }) =>
      new Response(
        `${headers.get("authorization")} ${headers.get("cookie")} ${headers.get("x-mine")}`,
      ),
    (other) =>
      server((request) => {
        const { pathname, searchParams } = new URL(request.url);
        if (pathname === "/go") {
          return new Response(null, {
            status: 307,
            headers: { location: searchParams.get("to") ?? "" },
          });
        }
        return new Response(
          `${request.headers.get("authorization")} ${request.headers.get("cookie")}`,
        );
      }, (origin) =>
        client({}, async (ask) => {
          const headers = [["Authorization", "Bearer t"], ["Cookie", "c=1"], [
            "X-Mine",
            "m",
          ]] as const;
          assert.equal((await ask(`${origin}/go?to=/x`, { headers })).body, "Bearer t c=1");
          assert.equal((await ask(`${origin}/go?to=${other}`, { headers })).body, "null null m");
          const back = encodeURIComponent(`${other}/go?to=${origin}/x`);
          assert.equal((await ask(`${origin}/go?to=${back}`, { headers })).body, "null null m");
          const viaUrl = origin.replace("//", "//me:pw@");
          assert.equal((await ask(`${viaUrl}/go?to=/x`)).body, `Basic ${btoa("me:pw")} null`);
          assert.equal((await ask(`${viaUrl}/go?to=${other}`)).body, "null null null");
        })),
  ));

Deno.test("redirect: refuses the eleventh, and a scheme that is not http or https", () => {
  let hops = 0;
  return server(({ url }) => {
    const { searchParams } = new URL(url);
    const to = searchParams.get("to");
    hops += 1;
    if (to === null && hops > Number(searchParams.get("n"))) return new Response("there");
    return new Response(null, { status: 302, headers: { location: to ?? url } });
  }, (origin) =>
    client({}, async (ask) => {
      assert.equal((await ask(`${origin}/?n=10`)).body, "there");
      hops = 0;
      await refused(ask(`${origin}/?n=11`), "REDIRECTS", /stopped after 10 redirects/);
      assert.equal(hops, 11);
      await refused(
        ask(`${origin}/?to=file:///etc/passwd`),
        "URL",
        /redirected to "file:.*"file" is not supported/,
      );
    }));
});

Deno.test("connector: refuses what -allowNet lacks, naming the flag, at every redirect", () => {
  const seen: string[] = [];
  const handler = (request: Request) => {
    seen.push(request.url);
    const to = new URL(request.url).searchParams.get("to");
    return to === null
      ? new Response("in")
      : new Response(null, { status: 302, headers: { location: to } });
  };
  return server(handler, (first, port) =>
    server(handler, async (second, otherPort) => {
      const would = (flag: string) =>
        new RegExp(`is not allowed: -allowNet=${flag.replace(/[[\]]/g, "\\$&")} would allow it$`);
      await client({ allowNet: [`127.0.0.1:${port}`] }, async (ask) => {
        assert.equal((await ask(first)).body, "in");
        for (
          const host of [
            "localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
            "a.localhost",
          ]
        ) {
          assert.equal(
            (await ask(`http://${host}:${port}/`)).body,
            "in",
            `${host} is that address`,
          );
        }
        seen.length = 0;
        await refused(ask(second), "DENIED", would(`127.0.0.1:${otherPort}`));
        await refused(
          ask(`http://localhost:${otherPort}/`),
          "DENIED",
          would(`localhost:${otherPort}`),
        );
        await refused(
          ask(`http://[::ffff:127.0.0.1]:${otherPort}/`),
          "DENIED",
          would(`[::ffff:7f00:1]:${otherPort}`),
        );
        assert.deepEqual(seen, []);
        await refused(ask(`${first}/?to=${second}/x`), "DENIED", would(`127.0.0.1:${otherPort}`));
        assert.deepEqual(seen, [`${first}/?to=${second}/x`], "the second server was not asked");
      });
      await client({ allowNet: [] }, async (ask) => {
        await refused(ask(first), "DENIED", would(`127.0.0.1:${port}`));
        await refused(ask("https://example.org/"), "DENIED", would("example.org:443"));
      });
    }));
});

Deno.test("connector: resolves a name once and connects to the address that it checked", async () => {
  const lookUps: string[] = [];
  // The first look-up returns a harmless address, the second one loopback.
  const resolve = (name: string) => {
    lookUps.push(name);
    return Promise.resolve(lookUps.length % 2 === 1 ? ["192.0.2.1"] : ["127.0.0.1"]);
  };
  await server(
    () => new Response("secret of this machine"),
    (_origin, port) =>
      client({ allowNet: ["rebind.example"], resolve, timeoutMs: 200 }, async (ask) => {
        // It connects to the checked address, which is for documentation: no server listens there.
        await assert.rejects(ask(`http://rebind.example:${port}/`), CapsuleError);
        assert.equal(lookUps.length, 1);
        await refused(
          ask(`http://rebind.example:${port}/`),
          "DENIED",
          new RegExp(
            `connecting to rebind.example, which is 127.0.0.1, at port ${port} is not allowed: -allowNet=127.0.0.1:${port} would`,
          ),
        );
      }),
  );
});

Deno.test("connector: does not resolve a name that no rule can allow", () =>
  client(
    { allowNet: ["example.org"], resolve: () => assert.fail("looked up") },
    (ask) =>
      refused(
        ask("http://a-secret.evil.example/"),
        "DENIED",
        /-allowNet=a-secret\.evil\.example:80 would/,
      ),
  ));

Deno.test("connector: tries the allowed addresses of a name in order", () =>
  server(
    () => new Response("in"),
    (_origin, port) =>
      client({
        allowNet: ["127.0.0.0/8"],
        resolve: () => Promise.resolve(["192.0.2.1", "127.0.0.9", "127.0.0.1"]),
      }, async (ask) => {
        assert.equal((await ask(`http://several.example:${port}/`)).body, "in");
      }),
  ));

Deno.test("http client: refuses an invalid rule of -allowNet when it is created", () =>
  assert.rejects(createHttpClient({ allowNet: ["http://x"], timeoutMs: 0, maxResponseBytes: 1 }), {
    code: "NET_RULE",
  }));

Deno.test("http client: marks a guest's requests to this machine, and no others", () =>
  server(
    ({ headers }) => new Response(headers.get(guestMark)),
    (_origin, port) =>
      client({ resolve: () => Promise.resolve(["127.0.0.1"]) }, async (ask) => {
        for (const host of ["127.0.0.1", "localhost", "a.localhost", "127.1"]) {
          assert.equal(
            (await ask(`http://${host}:${port}/`, { headers: [[guestMark, "mine"]] })).body,
            "1",
            host,
          );
        }
        assert.equal((await ask(`http://other.example:${port}/`)).body, "");
      }),
  ));

Deno.test("http client: times out while it waits for the response", () =>
  server(
    () => new Promise(() => {}),
    (origin) =>
      client({ timeoutMs: 50 }, (ask) =>
        refused(
          ask(origin),
          "TIMEOUT",
          /^Get "http:\S+": no complete response within 0\.05 s \(-httpTimeout\)$/,
        )),
  ));

Deno.test("http client: times out while it reads the body", () =>
  server(
    () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(utf8("a")) })),
    (origin) =>
      client({ timeoutMs: 50 }, (ask) => refused(ask(origin), "TIMEOUT", /no complete response/)),
  ));

Deno.test("http client: a signal aborts before, while connecting and while waiting", async () => {
  const arrived = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const reason = new Error("the guest is over its deadline");
  const isReason = (error: unknown) => error === reason;
  await server((request) => {
    request.signal.addEventListener("abort", () => gone.resolve());
    arrived.resolve();
    return new Promise(() => {});
  }, (origin) =>
    client({}, async (ask) => {
      await assert.rejects(ask(origin, { signal: AbortSignal.abort(reason) }), isReason);
      const waiting = new AbortController();
      const asked = assert.rejects(ask(origin, { signal: waiting.signal }), isReason);
      await arrived.promise;
      waiting.abort(reason);
      await asked;
      await gone.promise;
    }));
  const looking = Promise.withResolvers<void>();
  const found = Promise.withResolvers<string[]>();
  const resolve = () => {
    looking.resolve();
    return found.promise;
  };
  await client({ resolve }, async (ask) => {
    const connecting = new AbortController();
    const asked = assert.rejects(
      ask("http://slow.example/", { signal: connecting.signal }),
      isReason,
    );
    await looking.promise;
    connecting.abort(reason);
    await asked;
    found.resolve([]);
  });
});

Deno.test("http client: close aborts pending requests and refuses later ones", async () => {
  const arrived = Promise.withResolvers<void>();
  await server(() => {
    arrived.resolve();
    return new Promise(() => {});
  }, async (origin) => {
    const it = await createHttpClient({ timeoutMs: 0, maxResponseBytes: 1 });
    const request = { url: origin, method: "GET", headers: [], body: new Uint8Array() };
    const running = refused(it.request(request), "HTTP", /the client is closed/);
    await arrived.promise;
    await it.close();
    await running;
    await refused(it.request(request), "HTTP", /the client is closed/);
  });
});

Deno.test("http client: verifies the certificate against the name, not the address", async () => {
  const read = (name: string) =>
    Deno.readTextFileSync(new URL(`../testdata/tls/${name}`, import.meta.url));
  const [cert, key] = [read("localhost.crt"), read("localhost.key")];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    () => new Response("private"),
  );
  const { port } = server.addr;
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  await client({ ca: cert, resolve }, async (ask) => {
    assert.equal((await ask(`https://localhost:${port}/`)).body, "private");
    assert.equal((await ask(`https://127.0.0.1:${port}/`)).body, "private");
    await refused(
      ask(`https://other.example:${port}/`),
      "HTTP",
      /^Get "https:\S+": .*certificate/i,
    );
  });
  await client(
    {},
    (ask) => refused(ask(`https://localhost:${port}/`), "HTTP", /certificate|issuer/i),
  );
  await server.shutdown();
});

Deno.test("http client: a thousand requests are pending concurrently", () => {
  let waiting = 0;
  const all = Promise.withResolvers<void>();
  // No request is served before all have arrived.
  return server(async () => {
    waiting += 1;
    if (waiting === 1000) all.resolve();
    await all.promise;
    return new Response("ok");
  }, (origin) =>
    client({}, async (ask) => {
      const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(origin)));
      assert.ok(answers.every(({ body }) => body === "ok"));
    }));
});
