import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { connect } from "../server/raw_connection.ts";
import { runCapsule, startCapsule } from "../testing/capsule.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const guest = (name: string) => `-wasm=${at(`tests/testdata/go/${name}/${name}.wasm`)}`;
const portOf = (url: string) => Number(new URL(url).port);

Deno.test("http: without flags the built-in function is served, with the command for another", async () => {
  await using server = await startCapsule([]);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(server.ready, { event: "ready", mode: "http", url: server.url });
  const response = await fetch(server.url);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "👋 Hello World 🌍\n");
  assert.match(
    server.stderr.text,
    /serving the built-in hello function; your own: \S.* -mode=http -wasm=\.\/hello\.wasm"/,
  );
});

Deno.test("http: each request is a call, except for /health and /host-metrics", async () => {
  await using server = await startCapsule(["-mode=http", guest("echo")]);
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    const response = await fetch(`${server.url}/any/path?x=1`, { method, body: "body" });
    assert.equal(await response.text(), "body");
  }
  assert.equal(await (await fetch(`${server.url}/health`)).text(), "OK");
  const metrics = await (await fetch(`${server.url}/host-metrics?x`)).json();
  assert.equal(typeof metrics.rss, "number");
  assert.equal(metrics.instances, 1);
});

Deno.test("http: the body of a GET, five megabytes and raw header bytes are echoed unchanged", async () => {
  await using server = await startCapsule(["-mode=http", guest("echo")]);
  const large = new Uint8Array(5 << 20).map((_, i) => i * 7 + (i >> 8));
  const response = await fetch(server.url, { method: "POST", body: large });
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), large);
  using raw = await connect(portOf(server.url));
  await raw.send("GET / HTTP/1.1\r\nHost: x\r\nX-What: 👋: é|b\r\nContent-Length: 4\r\n\r\nbody");
  const answer = await raw.answer();
  assert.equal(answer?.body, "body");
  const value = new TextDecoder().decode(
    Uint8Array.from(
      /echo-x-what: (.*)\r\n/i.exec(answer?.head ?? "")?.[1] ?? "",
      (c) => c.charCodeAt(0),
    ),
  );
  assert.equal(value, "👋: é%7Cb");
});

Deno.test("http: after a body over -maxBody the connection is usable", async () => {
  await using server = await startCapsule(["-mode=http", guest("echo"), "-maxBody=1KiB"]);
  using raw = await connect(portOf(server.url));
  await raw.send(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100000)}`,
  );
  assert.equal((await raw.answer())?.status, 413);
  await raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
  assert.equal((await raw.answer())?.body, "ok");
});

Deno.test("http: a panic is a 500 with its text, and the next call succeeds", async () => {
  await using server = await startCapsule(["-mode=http", guest("panic")]);
  for (let i = 0; i < 5; i++) {
    const response = await fetch(server.url, { method: "POST", body: "panic now" });
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), { code: "TRAP", message: "panic: boom: panic now" });
    assert.equal(await (await fetch(server.url)).text(), "1 calls, 1 finished");
  }
});

Deno.test("http: a function's log lines are on standard output, one at a time", async () => {
  await using server = await startCapsule([
    "-mode=http",
    `-wasm=${at("examples/hello-http/hello.wasm")}`,
  ], {
    env: { MESSAGE: "👋" },
  });
  await (await fetch(server.url, { method: "POST", body: "☹" })).text();
  assert.equal(
    await server.stdout.line((line) => line.includes("Environment variable")),
    '{"level":"info","function":"hello","message":"Environment variable: 👋"}',
  );
  const response = await fetch(server.url);
  assert.equal(await response.text(), '{"message": "hey people!"}');
  assert.equal(response.headers.get("content-length"), "26");
});

Deno.test("http: SIGTERM and SIGINT stop the server with exit code 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const server = await startCapsule(["-mode=http"]);
    await (await fetch(server.url)).text();
    assert.deepEqual((await server.stop(signal)).code, 0);
    await assert.rejects(fetch(server.url));
  }
});

Deno.test("http: a port in use is one line on stderr, exit code 1", async () => {
  await using server = await startCapsule(["-mode=http"]);
  const { code, stderr } = await runCapsule([
    "-mode=http",
    guest("echo"),
    `-httpPort=${portOf(server.url)}`,
  ]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^capsule: cannot listen on 127\.0\.0\.1:\d+: another program listens there already.*\n$/,
  );
});

Deno.test("http: serves TLS with -crt and -key", async () => {
  await using server = await startCapsule([
    "-mode=http",
    guest("echo"),
    `-crt=${at("tests/testdata/tls/localhost.crt")}`,
    `-key=${at("tests/testdata/tls/localhost.key")}`,
  ]);
  assert.match(server.url, /^https:/);
  using client = Deno.createHttpClient({
    caCerts: [await Deno.readTextFile(at("tests/testdata/tls/localhost.crt"))],
  });
  const response = await fetch(`https://localhost:${portOf(server.url)}`, {
    method: "POST",
    body: "secret",
    client,
  });
  assert.equal(await response.text(), "secret");
});
