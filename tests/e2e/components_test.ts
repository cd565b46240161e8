import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { buildText, componentTest } from "../testing/wasm_tools.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Answers a GET with a greeting, and any other request with its body. */
const http = `-wasm=${root}examples/component-rust/component_rust.wasm`;
/** Does what its first argument says. */
const cli = `-wasm=${root}tests/testdata/rust/cli/cli.wasm`;
const greeting = "👋 Hello from a component\n";

Deno.test("component in cli mode: gets arguments, -env and standard input", async () => {
  const args = await runCapsule(["-mode=cli", cli, "--", "args", "", "👋 é"]);
  assert.deepEqual([args.code, args.stdout, args.stderr], [0, `["", "👋 é"]\n`, ""]);
  const flags = ["-mode=cli", cli, "-env=GIVEN=a=b", "-env=MINE"];
  const env = (name: string) => runCapsule([...flags, "--", "env", name], { env: { MINE: "m" } });
  assert.equal((await env("GIVEN")).stdout, `Some("a=b")\n`);
  assert.equal((await env("MINE")).stdout, `Some("m")\n`);
  assert.equal((await env("PATH")).stdout, "None\n");
  const input = "é".repeat(100_000);
  assert.equal((await runCapsule(["-mode=cli", cli, "--", "cat"], { stdin: input })).stdout, input);
});

Deno.test("component in cli mode: reads and writes below -dir only", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/a", "hello");
  folder.write("outside/secret", "secret");
  await Deno.symlink("../outside", folder.at("inside/link"));
  const run = async (...args: string[]) => {
    const flags = ["-mode=cli", cli, `-dir=${folder.inside}::/data`];
    return (await runCapsule([...flags, "--", ...args])).stdout;
  };
  assert.equal(await run("list", "/data"), `["a", "link"]\n`);
  assert.equal(await run("read", "/data/a"), "hello");
  assert.equal(await run("write", "/data/b", "written"), "written\n");
  assert.equal(await Deno.readTextFile(folder.at("inside/b")), "written");
  assert.match(await run("read", "/data/../outside/secret"), /not permitted/);
  assert.match(await run("read", "/data/link/secret"), /not permitted/);
  const without = await runCapsule(["-mode=cli", cli, "--", "list", folder.inside]);
  assert.equal(without.code, 134);
});

/** Uses a key-value store, variables and the log as its first argument says. */
const store = `-wasm=${root}tests/testdata/rust/store/store.wasm`;

Deno.test("component with a store: wasi:keyvalue and Spin's interface reach one store", async () => {
  using folder = new TemporaryFolder();
  const run = async (...args: string[]) => {
    const data = `-data=${folder.inside}`;
    const { stdout, stderr } = await runCapsule(["-mode=cli", store, data, "--", ...args]);
    return stdout || stderr;
  };
  assert.equal(
    await run("keyvalue", "ключ"),
    `Ok(None)
Ok(()) Ok(true)
Ok(Some([0, 255]))
Ok(())
Ok([Some(("a", [1])), None, Some(("b", []))])
["a", "b", "ключ"]
Ok(()) Ok(())
Ok(false) []
`,
  );
  assert.equal(await run("count", "5"), "Ok(5)\n");
  assert.equal(await run("count", "-7"), "Ok(-2)\n");
  assert.equal(
    await run("spin", "k"),
    `Ok(None) Ok(false)
Ok(()) Ok(Some([195, 169]))
Ok(["count", "k"])
Ok(()) Ok(false)
`,
  );
  assert.equal(await run("open", "other"), "Some(Error::NoSuchStore) Some(Error::NoSuchStore)\n");
  assert.match(await run("spin", "k".repeat(100_000)), /^Err\(Error::Other\(".*100000/m);
});

Deno.test("component with a store: compare-and-swap refuses an old value", async () => {
  using folder = new TemporaryFolder();
  const data = `-data=${folder.inside}`;
  const run = async (...args: string[]) =>
    (await runCapsule(["-mode=cli", store, data, "--", ...args])).stdout;
  assert.equal(
    await run("swap", "ключ"),
    `Ok(None)
Ok(())
Ok(Some([1])) Ok(Some([1]))
Ok(()) Ok(Some([3, 4]))
true
`,
  );
  const sums = await Promise.all(Array.from({ length: 4 }, () => run("add", "50")));
  assert.equal(Math.max(...sums.map(Number)), 200);
});

Deno.test("component with a store: -sandbox denies it", async () => {
  const { stdout } = await runCapsule(["-mode=cli", "-sandbox", store, "--", "spin", "k"]);
  assert.match(stdout, /^Err\(Error::AccessDenied\) Err\(Error::AccessDenied\)\n/);
});

Deno.test("component: wasi:config and Spin's variables are those of -env, logs go to standard error", async () => {
  const run = (...args: string[]) => runCapsule(["-mode=cli", store, "-env=A=é", "--", ...args]);
  assert.equal((await run("config", "A")).stdout, `Ok(Some("é")) Ok([("A", "é")]) Ok("é")\n`);
  assert.equal(
    (await run("config", "B")).stdout,
    `Ok(None) Ok([("A", "é")]) Err(Error::Undefined("-env does not set B"))\n`,
  );
  const logged = await run("log", "here", "a message");
  assert.equal(logged.stdout, "");
  assert.match(logged.stderr, /^warn here: a message$/m);
});

Deno.test("component in cli mode: ends with its own code, a trap with 134, late with 124", async () => {
  const run = (...args: string[]) => runCapsule(["-mode=cli", cli, "-timeout=1s", "--", ...args]);
  assert.equal((await run("fail")).code, 1);
  const error = await run("error");
  assert.deepEqual([error.code, error.stderr], [0, "an error\n"]);
  const panic = await run("panic");
  assert.equal(panic.code, 134);
  assert.match(panic.stderr, /as asked/);
  assert.equal((await run("loop")).code, 124);
  assert.equal((await run("sleep")).code, 124);
});

Deno.test("component in http mode: responds to requests of every size", async () => {
  await using server = await startCapsule(["-mode=http", http]);
  const get = await fetch(server.url);
  assert.equal(get.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(await get.text(), greeting);
  for (const size of [0, 1, 65_536, 65_537, 5_000_000]) {
    const body = new Uint8Array(size).map((_, at) => at * 7 + (at >> 8));
    const answer = await fetch(server.url, { method: "POST", body });
    assert.equal(Buffer.compare(Buffer.from(await answer.arrayBuffer()), body), 0, `${size} bytes`);
  }
});

Deno.test("component in http mode: streams a body while it arrives", async () => {
  await using server = await startCapsule(["-mode=http", http]);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = fetch(server.url, { method: "POST", body: readable });
  const encoder = new TextEncoder();
  await writer.write(encoder.encode("first"));
  const reader = (await answer).body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, "first");
  await writer.write(encoder.encode("second"));
  assert.equal((await reader?.read())?.value, "second");
  await writer.close();
  assert.equal((await reader?.read())?.done, true);
});

Deno.test("component in http mode: threads serve it, too", async () => {
  await using server = await startCapsule(["-mode=http", http, "-threads=2"]);
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => await (await fetch(server.url)).text()),
  );
  assert.deepEqual(new Set(answers), new Set([greeting]));
});

for (
  const [mode, component, message] of [
    [
      "cli",
      http,
      /needs a component that exports wasi:cli\/run@0\.2 or @0\.3: .*run it with -mode=http/,
    ],
    [
      "http",
      cli,
      /exports wasi:http\/incoming-handler@0\.2 or .*handler@0\.3: .*run it with -mode=cli/,
    ],
  ] as const
) {
  Deno.test(`component for the other mode: -mode=${mode} refuses it and names the right one`, async () => {
    const { code, stderr } = await runCapsule([`-mode=${mode}`, component]);
    assert.equal(code, 1);
    assert.match(stderr, message);
  });
}

componentTest(
  "component with missing imports: is refused with one message that names each",
  async () => {
    using folder = new TemporaryFolder();
    const path = folder.at("inside/missing.wasm");
    const bytes = await buildText(`(component
    (import "acme:store/kv@1.0.0" (instance (export "get" (func)) (export "set" (func))))
    (import "wasi:cli/environment@0.2.0" (instance
      (export "get-arguments" (func (result (list string)))) (export "get-nothing" (func))))
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $m (instantiate $m))
    (func $run (result (result)) (canon lift (core func $m "run")))
    (instance $run (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $run)))`);
    await Deno.writeFile(path, bytes);
    const { code, stderr } = await runCapsule(["-mode=cli", `-wasm=${path}`]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /imports what nothing provides: acme:store\/kv@1\.0\.0, wasi:cli\/environment@0\.2\.0 \(get-nothing\)/,
    );
  },
);

const proxy = `-wasm=${root}tests/testdata/rust/proxy/proxy.wasm`;

Deno.test("component with outgoing requests: forwards bodies both ways, and errors as codes", async () => {
  await using upstream = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = new Uint8Array(await request.arrayBuffer());
      const { pathname, search } = new URL(request.url);
      const headers = { "x-seen": `${request.method} ${pathname}${search}`, "x-text": "a" };
      return new Response(body, { status: 201, headers });
    },
  );
  const authority = `127.0.0.1:${upstream.addr.port}`;
  await using server = await startCapsule(["-mode=http", proxy]);
  for (const size of [0, 3, 1_000_000]) {
    const body = new Uint8Array(size).map((_, at) => at * 7 + (at >> 8));
    const answer = await fetch(`${server.url}/some/path?a=b`, {
      method: "POST",
      headers: { "x-authority": authority },
      body,
    });
    const back = Buffer.from(await answer.arrayBuffer());
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("x-seen"), "POST /some/path?a=b");
    assert.equal(Buffer.compare(back, body), 0, `${size} bytes`);
  }
  const refused = await fetch(server.url, { headers: { "x-authority": "127.0.0.1:1" } });
  assert.deepEqual([refused.status, await refused.text()], [502, "ErrorCode::ConnectionRefused"]);
});

Deno.test("component with outgoing requests: -allowNet and -sandbox deny them", async () => {
  for (const flag of ["-allowNet=example.com", "-sandbox"]) {
    await using server = await startCapsule(["-mode=http", proxy, flag]);
    const answer = await fetch(server.url, { headers: { "x-authority": "127.0.0.1:1" } });
    assert.deepEqual([answer.status, await answer.text()], [502, "ErrorCode::HttpRequestDenied"]);
  }
});
