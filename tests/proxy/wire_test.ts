import assert from "node:assert/strict";
import { Peer, RawServer } from "./peers.ts";
import { startProxy } from "./start_proxy.ts";

/** Sends a request and returns the head that the upstream receives. */
async function headOf(request: string, revisions = "default", base = ""): Promise<string> {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { [revisions]: [upstream.url + base] } });
  using client = await Peer.connect(proxy.port);
  await client.send(request);
  const peer = await upstream.accept();
  return await peer.until("\r\n\r\n");
}

const targets: ReadonlyArray<readonly [target: string, arrives: string, base?: string]> = [
  ["/functions/f", "/"],
  ["/functions/f/", "/"],
  ["/function/f", "/"],
  ["/functions/f?", "/?"],
  ["/functions/f?q=1&q=2", "/?q=1&q=2"],
  ["/functions/f?a/b", "/?a/b"],
  ["/functions/f/default", "/"],
  ["/functions/f/default/", "/"],
  ["/functions/f/default?q", "/?q"],
  ["/functions/f/default/a/b?c", "/a/b?c"],
  ["/functions/f/default/a%2Fb", "/a%2Fb"],
  ["/functions/f/default/a/../b/./c", "/a/../b/./c"],
  ["/functions/f/default/..", "/.."],
  ["/functions/f/default//a//", "//a//"],
  ["/functions/f/default/%c3%A9", "/%c3%A9"],
  ["/functions/f/default/\xc3\xa9", "/\xc3\xa9"],
  ['/functions/f/default/a;b=c,d|e^f"g<h>`{}\\', '/a;b=c,d|e^f"g<h>`{}\\'],
  ["/functions/f", "/base", "/base"],
  ["/functions/f?q", "/base?q", "/base"],
  ["/functions/f/", "/base/", "/base"],
  ["/functions/f", "/base/", "/base/"],
  ["/functions/f/default/a", "/base/a", "/base/"],
  ["/functions/f/default/a", "/base/a", "/base"],
  ["/functions/f", "/", "/"],
];

Deno.test("forward: the rest of the path and the query arrive byte for byte", async (test) => {
  for (const [target, arrives, base] of targets) {
    await test.step(`${target} → ${arrives}`, async () => {
      const head = await headOf(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`, "default", base);
      assert.equal(head.slice(0, head.indexOf("\r\n")), `GET ${arrives} HTTP/1.1`);
    });
  }
});

Deno.test("parseRequestHead: an absolute target is its path, and its authority replaces Host", async () => {
  const forwarded =
    "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: HOST\r\nX-Forwarded-Proto: http\r\nVia: 1.1 capsule\r\n\r\n";
  const rows: readonly (readonly [target: string, path: string, host: string])[] = [
    ["http://x/functions/f/default/a?b", "/a?b", "x"],
    ["HTTPS://[::1]:8080/functions/f?q=http://y/", "/?q=http://y/", "[::1]:8080"],
    ["http://y.example:81/functions/f/default//a/../\xc3\xa9", "//a/../\xc3\xa9", "y.example:81"],
  ];
  for (const [target, path, host] of rows) {
    assert.equal(
      await headOf(`GET ${target} HTTP/1.1\r\nHost: z\r\nX-A: 1\r\n\r\n`),
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\n${forwarded.replace("HOST", host)}`,
    );
  }
  const old = await headOf("GET http://x/functions/f HTTP/1.0\r\n\r\n");
  assert.match(old, /^GET \/ HTTP\/1\.1\r\nHost: x\r\nX-Forwarded-For: /);
});

Deno.test("writeRequestFields: drops hop-by-hop headers, adds X-Forwarded headers, keeps the rest", async () => {
  const head = await headOf(
    "PATCH /functions/f HTTP/1.1\r\nhOST: example.org:81\r\nX-A: 1\r\nx-a:2\r\nX-B:\t \xe9 \r\nConnection: close, X-Gone\r\n" +
      "X-Gone: 1\r\nCookie: a=b\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\n" +
      "Upgrade: h2c\r\nHTTP2-Settings: x\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\n" +
      "X-Forwarded-Proto: https\r\nAccept-Encoding: gzip\r\nCookie: c=d\r\nRange: bytes=0-1\r\nX-Empty:\r\n\r\n",
  );
  assert.equal(
    head,
    "PATCH / HTTP/1.1\r\nhOST: example.org:81\r\nX-A: 1\r\nx-a:2\r\nX-B:\t \xe9 \r\nCookie: a=b\r\n" +
      "Accept-Encoding: gzip\r\nCookie: c=d\r\nRange: bytes=0-1\r\nX-Empty:\r\n" +
      "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: example.org:81\r\nX-Forwarded-Proto: http\r\n" +
      "Via: 1.1 capsule\r\nTE: trailers\r\n\r\n",
  );
});

Deno.test("writeRequestFields: Connection does not remove framing headers or Host", async () => {
  const head = await headOf(
    "POST /functions/f HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: host, content-length, x-forwarded-for, via\r\n\r\nhi",
  );
  assert.equal(
    head,
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: x\r\n" +
      "X-Forwarded-Proto: http\r\nVia: 1.1 capsule\r\n\r\n",
  );
});

Deno.test("writeRequestFields: HTTP/1.0 without a Host gets the upstream's, and `Via: 1.0`", async () => {
  const head = await headOf("GET /functions/f HTTP/1.0\r\nX: 1\r\n\r\n");
  assert.match(
    head,
    /^GET \/ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nX: 1\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\nVia: 1\.0 capsule\r\n\r\n$/,
  );
});

Deno.test("parseRequestHead: accepts 100 headers and a head of nearly 64 KiB", async () => {
  const many = "GET /functions/f HTTP/1.1\r\nHost: x\r\n" + "X: a\r\n".repeat(99) + "\r\n";
  assert.equal((await headOf(many)).match(/X: a\r\n/g)?.length, 99);
  const long = `GET /functions/f HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(65_400)}\r\n\r\n`;
  assert.ok((await headOf(long)).includes("a".repeat(65_400)));
});

/** Returns the bytes that a client receives for a response of the upstream. */
async function answerOf(
  answer: string,
  { method = "GET", version = "1.1", headers = "Connection: close\r\n", close = false } = {},
): Promise<string> {
  using upstream = new RawServer();
  await using proxy = startProxy({ f: { default: [upstream.url] } });
  using client = await Peer.connect(proxy.port);
  await client.send(`${method} /functions/f HTTP/${version}\r\nHost: x\r\n${headers}\r\n`);
  const peer = await upstream.accept();
  await peer.until("\r\n\r\n");
  await peer.send(answer);
  if (close) peer.close();
  return await client.toEnd();
}

const via = "Via: 1.1 capsule\r\n";
const close = "Connection: close\r\n";

const answers: ReadonlyArray<
  readonly [what: string, answer: string, arrives: string, options?: Parameters<typeof answerOf>[1]]
> = [
  [
    "repeated headers in their order, an own reason",
    "HTTP/1.1 299 Fine \xe9\r\nSet-Cookie: a=1\r\nX: 1\r\nset-cookie: b=2\r\nX: 2\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi",
    `HTTP/1.1 299 Fine \xe9\r\nSet-Cookie: a=1\r\nX: 1\r\nset-cookie: b=2\r\nX: 2\r\nContent-Length: 2\r\n${close}${via}\r\nhi`,
  ],
  [
    "chunks with trailers",
    "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhi\r\n3\r\nyou\r\n0\r\nX-Sum: 5\r\nContent-Length: 9\r\n\r\n",
    `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${close}Transfer-Encoding: chunked\r\n${via}\r\n5\r\nhiyou\r\n0\r\nX-Sum: 5\r\n\r\n`,
  ],
  [
    "a body until the connection's end, in chunks",
    "HTTP/1.1 200 OK\r\n\r\nhello",
    `HTTP/1.1 200 OK\r\n${close}Transfer-Encoding: chunked\r\n${via}\r\n5\r\nhello\r\n0\r\n\r\n`,
    { close: true },
  ],
  [
    "to a client of HTTP/1.0 without chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    `HTTP/1.1 200 OK\r\n${close}${via}\r\nhello`,
    { version: "1.0", headers: "" },
  ],
  [
    "204",
    "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
    `HTTP/1.1 204 No Content\r\nX: 1\r\n${close}${via}\r\n`,
  ],
  [
    "304 with a length",
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 500\r\n\r\n',
    `HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 500\r\n${close}${via}\r\n`,
  ],
  [
    "HEAD with a length",
    "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
    `HTTP/1.1 200 OK\r\nContent-Length: 500\r\n${close}${via}\r\n`,
    { method: "HEAD" },
  ],
  [
    "HEAD with chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    `HTTP/1.1 200 OK\r\n${close}Transfer-Encoding: chunked\r\n${via}\r\n`,
    { method: "HEAD" },
  ],
  [
    "early hints before the answer",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n${via}\r\nHTTP/1.1 102 Processing\r\n${via}\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n${close}${via}\r\n`,
  ],
  [
    "early hints are not for HTTP/1.0",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${close}${via}\r\n`,
    { version: "1.0", headers: "" },
  ],
  [
    "a compressed body and a range untouched",
    "HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    `HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n${close}${via}\r\n\x1f\x8b\x08\x00`,
  ],
  [
    "a status without a reason",
    "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    `HTTP/1.1 200 \r\nContent-Length: 0\r\n${close}${via}\r\n`,
  ],
];

Deno.test("relayResponse: responses arrive unchanged", async (test) => {
  for (const [what, answer, arrives, options] of answers) {
    await test.step(what, async () => assert.equal(await answerOf(answer, options), arrives));
  }
});

const garbage: ReadonlyArray<readonly [what: string, answer: string]> = [
  ["no HTTP", "hello\r\n\r\n"],
  ["a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["HTTP/2", "HTTP/2 200\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["NUL in a header", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"],
  ["a header split by CR", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n"],
  ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"],
  ["a space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"],
  ["an invalid length", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello"],
  ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"],
  [
    "a protocol that was not offered",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  ],
  ["endless interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20)],
  ["a head over 64 KiB", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(66000)}\r\n\r\n`],
];

Deno.test("parseResponseHead: an invalid response is a 502 with the reason", async (test) => {
  for (const [what, answer] of garbage) {
    await test.step(what, async () => {
      const received = (await answerOf(answer)).replace(/^(?:HTTP\/1\.1 100 [^]*?\r\n\r\n)+/, "");
      assert.match(received, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      const body: Record<string, string> = JSON.parse(received.slice(received.indexOf("\r\n\r\n")));
      assert.equal(body.code, "ERROR_UPSTREAM_GARBAGE");
      assert.equal(body.function, "f");
      assert.equal(body.revision, "default");
      assert.match(body.upstream ?? "", /^http:\/\/127/);
      assert.ok(body.why);
    });
  }
});

Deno.test("relayResponse: a response that breaks off looks incomplete to the client", async (test) => {
  for (
    const [what, answer, hello = "hello"] of [
      ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
      ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
      [
        "bad chunks",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
        "",
      ],
      [
        "trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: a\r\n",
      ],
    ] as const
  ) {
    await test.step(what, async () => {
      const received = await answerOf(answer, { close: true, headers: "" });
      assert.ok(received.includes(hello), received);
      assert.ok(!received.includes("0\r\n\r\n") && !received.includes("hello\r\n0"), received);
      assert.ok(!/content-length: 5\b/i.test(received), received);
    });
  }
});
