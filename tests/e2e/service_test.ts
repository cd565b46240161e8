import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, type Running, startCapsule } from "../testing/capsule.ts";
import { ChunkedCall } from "../testing/chunked_call.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const rustFolder = fileURLToPath(new URL("../testdata/rust/", import.meta.url));
const service = `-wasm=${rustFolder}service/service.wasm`;
/** Responds with 401 without `Authorization`, and adds a `+` to the path of other requests. */
const middleware = `-wasm=${rustFolder}middleware/middleware.wasm`;

const serve = (...flags: string[]) => startCapsule(["-mode=http", service, ...flags]);

async function textOf({ url }: Running, path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(`${url}${path}`, init);
  return await response.text();
}

/** Makes a call and returns its status and the code of its JSON error. */
async function failureOf({ url }: Running, path: string): Promise<[number, string]> {
  const response = await fetch(`${url}${path}`);
  const { code } = await response.json();
  return [response.status, code];
}

Deno.test("service of WASI 0.3: sees its request, and its response is streamed", async () => {
  await using server = await serve();
  assert.equal(await textOf(server, "/"), "Hello from a service\n");
  assert.equal(await textOf(server, "/path?a=1"), "/path");
  assert.equal(await textOf(server, "/method", { method: "PATCH" }), "Method::Patch");
  const missing = await fetch(`${server.url}/missing`);
  assert.equal(missing.status, 404);
  assert.equal(await missing.text(), "");
  assert.equal(await textOf(server, "/waits?1000"), "1000");
  assert.equal(await textOf(server, "/yield?1000"), "yielded");
});

Deno.test("service of WASI 0.3: echoes megabytes, and each byte as it comes", async () => {
  await using server = await serve();
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const body = new Uint8Array(5_000_000).map((_, at) => (bytes[at % 65_536] ?? 0) ^ (at >> 16));
  const echoed = await fetch(`${server.url}/echo`, { method: "POST", body });
  assert.deepEqual(new Uint8Array(await echoed.arrayBuffer()), body);
  assert.equal(await textOf(server, "/length", { method: "POST", body }), "5000000");
  assert.equal(await textOf(server, "/echo", { method: "POST", body: "" }), "");

  using call = await ChunkedCall.open(`${server.url}/echo`);
  assert.equal(await call.status(), 200);
  for (const byte of ["a", "\xff", "\x00"]) {
    await call.send(byte);
    assert.equal(await call.until(byte), byte);
  }
  await call.end();
  assert.equal(await call.rest(), "");
});

Deno.test("service of WASI 0.3: every call finds a fresh instance, also after failures", async () => {
  await using server = await serve("-timeout=2s");
  const failing = ["/trap", "/loop", "/error", "/wait?100000"];
  for (const path of failing) {
    await Promise.all(
      [...failing, path].map((path) => fetch(`${server.url}${path}`).then(drained)),
    );
    const cut = await fetch(`${server.url}/stream`);
    await cut.body?.cancel();
    const counts = Array.from({ length: 50 }, () => textOf(server, "/count"));
    assert.deepEqual(new Set(await Promise.all(counts)), new Set(["1"]));
  }
});

async function drained(response: Response): Promise<void> {
  await response.body?.cancel();
}

Deno.test("service of WASI 0.3: failures have the responses of other functions", async () => {
  await using server = await serve("-timeout=300ms");
  assert.deepEqual(await failureOf(server, "/trap"), [500, "TRAP"]);
  assert.deepEqual(await failureOf(server, "/loop"), [504, "TIMEOUT"]);
  assert.deepEqual(await failureOf(server, "/wait?100000"), [504, "TIMEOUT"]);
  assert.deepEqual(await failureOf(server, "/error"), [502, "BAD_ANSWER"]);
  assert.equal((await failureOf(server, "/exit?3"))[0], 500);
  for (const path of ["/trap-later", "/stream"]) {
    const response = await fetch(`${server.url}${path}`);
    assert.equal(response.status, 200);
    await assert.rejects(response.arrayBuffer(), path);
  }
});

Deno.test("service of WASI 0.3: others are served beside guests that do not return", async () => {
  await using server = await serve("-timeout=2s");
  const paths = Array.from(
    { length: 21 },
    (_, at) => ["/loop", "/stream", "/unread"][at % 3] ?? "",
  );
  const stopped = paths.map(async (path) => {
    const response = await fetch(`${server.url}${path}`, { method: "POST", body: "x" });
    await response.arrayBuffer().catch(() => {});
    return performance.now();
  });
  // The response of `/unread` is complete before its guest is stopped.
  const first = Promise.race(stopped.filter((_, at) => paths[at] !== "/unread"));
  const answers = await Promise.all(Array.from({ length: 20 }, () => textOf(server, "/count")));
  assert.deepEqual(new Set(answers), new Set(["1"]));
  const answeredMs = performance.now();
  assert.ok(answeredMs < await first, "the calls were answered after the first was stopped");
  await Promise.all(stopped);
});

Deno.test("service of WASI 0.3: 300 calls wait at once on one thread", async () => {
  const responses: (() => void)[] = [];
  const all = Promise.withResolvers<void>();
  await using upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Promise<Response>((resolve) => {
        // No call gets its response before all of them wait.
        if (responses.push(() => resolve(new Response("late"))) === 300) all.resolve();
      }),
  );
  await using server = await serve("-threads=1", "-timeout=2m");
  const path = `/fetch?127.0.0.1:${upstream.addr.port}`;
  const calls = Array.from({ length: 300 }, () => textOf(server, path, { method: "POST" }));
  await all.promise;
  for (const respond of responses) respond();
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(["late"]));
  const waits = Array.from({ length: 300 }, () => textOf(server, "/wait?1000"));
  assert.deepEqual(new Set(await Promise.all(waits)), new Set(["waited"]));
});

Deno.test("service of WASI 0.3: a client that leaves cancels the request of its call", async () => {
  const reached = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  await using upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ signal }) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      reached.resolve();
      return cancelled.promise.then(() => new Response());
    },
  );
  await using server = await serve();
  const call = await ChunkedCall.open(`${server.url}/pending?127.0.0.1:${upstream.addr.port}`);
  assert.equal(await call.status(), 200);
  assert.equal(await call.until("waiting\n"), "waiting\n");
  await reached.promise;
  call[Symbol.dispose]();
  await cancelled.promise;
});

Deno.test("service of WASI 0.3: is the same after push and pull", () =>
  inFolder(async (folder) => {
    const options = { cwd: folder };
    const token = "-adminToken=token-of-this-test";
    await using registry = await startCapsule(["-mode=registry", token], options);
    const url = `${registry.url}/tests/service/1`;
    const pushed = await runCapsule(["-mode=push", service, `-url=${url}`, token], options);
    assert.equal(pushed.code, 0, pushed.stderr);
    const loaded = [`-url=${url}/service.wasm`, "-wasm=pulled.wasm"];
    await using server = await startCapsule(["-mode=http", ...loaded], { cwd: folder });
    assert.equal(await textOf(server, "/"), "Hello from a service\n");
    assert.deepEqual(
      await Deno.readFile(`${folder}/pulled.wasm`),
      await Deno.readFile(`${rustFolder}service/service.wasm`),
    );
  }));

Deno.test("service of WASI 0.3: -reuse keeps its state, -threads serves it, too", async () => {
  await using kept = await serve("-reuse", "-maxInstances=1");
  const counts: string[] = [];
  for (let call = 0; call < 3; call++) counts.push(await textOf(kept, "/count"));
  assert.deepEqual(counts, ["1", "2", "3"]);
  await using threads = await serve("-threads=2");
  const answers = Array.from({ length: 40 }, () => textOf(threads, "/count"));
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(["1"]));
});

Deno.test("service of WASI 0.3: reaches other servers as -allowNet says", async () => {
  await using upstream = await serve();
  const authority = new URL(upstream.url).host;
  const body = "x".repeat(1_000_000);
  const fetched = ({ url }: Running) =>
    fetch(`${url}/fetch?${authority}`, { method: "POST", body });
  await using granted = await serve(`-allowNet=${authority}`);
  const response = await fetched(granted);
  // The path is not passed on: the upstream greets.
  assert.equal(await response.text(), "Hello from a service\n");
  for (const flag of ["-allowNet=example.org", "-sandbox"]) {
    await using refused = await serve(flag);
    const response = await fetched(refused);
    assert.equal(response.status, 502);
    assert.match(await response.text(), /HTTP-request-denied/);
  }
});

Deno.test("service of WASI 0.3: a relative path of a request does not change its authority", async () => {
  await using upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) => new Response(new URL(url).pathname),
  );
  const { addr: { port } } = upstream;
  await using server = await serve(`-allowNet=127.0.0.1:${port},127.0.0.2:${port}`);
  // The authority would be the name of a user, and then have another port.
  for (const path of [`@127.0.0.2:${port}/a`, "0/a", "a"]) {
    const fetched = await fetch(`${server.url}/fetch?127.0.0.1:${port}`, {
      method: "POST",
      headers: { "x-path": path },
    });
    assert.equal(await fetched.text(), `/${path}`);
  }
});

Deno.test("middleware: is called before the service, the first -wasm outermost", async () => {
  await using server = await startCapsule(["-mode=http", middleware, middleware, service]);
  const refused = await fetch(`${server.url}/path`);
  assert.equal(refused.status, 401);
  await drained(refused);
  const headers = { authorization: "any" };
  assert.equal(await textOf(server, "/path", { headers }), "/path++");
  const body = "x".repeat(300_000);
  // The paths that middleware makes have no handler but this one.
  const missing = await fetch(`${server.url}/echo`, { method: "POST", body, headers });
  assert.equal(missing.status, 404);
  await drained(missing);
});

Deno.test("middleware: what cannot be put before a component is refused by name", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await runCapsule(args);
    assert.equal(code, 1, stderr);
    return stderr;
  };
  assert.match(
    await refused("-mode=http", service, service),
    /service\.wasm before .*service\.wasm: .*exports wasi:http\/handler@0\.3\.2: it imports nothing/,
  );
  const module = `-wasm=${rustFolder}../../../examples/hello-http/hello.wasm`;
  assert.match(
    await refused("-mode=http", module, service),
    /hello\.wasm: a core module cannot be or have middleware/,
  );
  assert.match(
    await refused("-mode=http", middleware),
    /imports what nothing provides: wasi:http\/handler/,
  );
  const cli = await runCapsule(["-mode=cli", middleware, service]);
  assert.match(cli.stderr, /-wasm is given several times, first as .*middleware\.wasm/);
});

Deno.test("service of WASI 0.3: cli mode refuses it and names the right one", async () => {
  const { code, stderr } = await runCapsule(["-mode=cli", service]);
  assert.equal(code, 1);
  assert.match(stderr, /exports wasi:http\/handler@0\.3\.2; run it with -mode=http/);
});
