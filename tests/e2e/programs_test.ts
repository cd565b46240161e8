import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { compileWat } from "../prepare/modules.ts";
import { inFolder, TemporaryFolder } from "../testing/temporary_folder.ts";
import { connect } from "../server/raw_connection.ts";
import {
  capsuleCommand,
  hasOlderDeno,
  runCapsule,
  spawnCapsule,
  startCapsule,
} from "../testing/capsule.ts";
import { isInstalled } from "../testing/is_installed.ts";
import { buildGo, goTest } from "../testing/go_program.ts";
import { goFilesOutput } from "../wasi/go_files_output.ts";

const programs = fileURLToPath(new URL("../testdata/wasi/", import.meta.url));
const program = (name: string) => `-wasm=${programs}${name}.wasm`;

Deno.test("cli: a C program has arguments, -env, standard input and an exit code", async () => {
  const input = new Uint8Array(300_000).map((_, at) => at * 7 + (at >> 8));
  const flags = ["-mode=cli", program("echo"), "-env=GIVEN=a=b", "-env=MINE", "-env=EMPTY="];
  const { code, stdoutBytes, stderr } = await runCapsule([
    ...flags,
    "--",
    "",
    "👋 é",
    "-mode=http",
    "--",
  ], {
    stdin: input,
    env: { MINE: "👋", OTHER: "not yours" },
  });
  assert.deepEqual([code, stderr], [7, "done\n"]);
  const head = "[]\n[👋 é]\n[-mode=http]\n[--]\nGIVEN=a=b\nMINE=👋\nEMPTY=\n";
  const headBytes = new TextEncoder().encode(head);
  assert.equal(new TextDecoder().decode(stdoutBytes.subarray(0, headBytes.length)), head);
  assert.deepEqual(stdoutBytes.subarray(headBytes.length), input);
});

Deno.test("cli: without flags a program sees no variable and no folder", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/a", "secret");
  const cwd = folder.inside;
  const echo = await runCapsule(["-mode=cli", program("echo")], { cwd, env: { PATH_X: "x" } });
  assert.deepEqual([echo.code, echo.stdout], [7, ""]);
  const count = await runCapsule(
    ["-mode=cli", program("count"), "a", "./a", folder.at("inside/a")],
    { cwd },
  );
  assert.deepEqual([count.code, count.stdout], [3, ""]);
});

Deno.test("cli: a Go program that is granted relative folders only gets a warning", async () => {
  await inFolder(async (folder) => {
    const bytes = compileWat(`(module (memory (export "memory") 1) (func (export "_start")))`);
    const name = new TextEncoder().encode("go:buildid");
    const section = [0, name.length + 1, name.length, ...name];
    const wasm = `${folder}/go.wasm`;
    await Deno.writeFile(wasm, Uint8Array.of(...bytes, ...section));
    const run = (...dirs: string[]) => runCapsule(["-mode=cli", `-wasm=${wasm}`, ...dirs]);
    assert.match((await run(`-dir=${folder}::data`)).stderr, /Go.*absolute name: -dir=.*::\//);
    assert.equal((await run("-dir=.::data", `-dir=${folder}::/`)).stderr, "");
    assert.equal((await run()).stderr, "");
  });
});

Deno.test("cli: a Rust program reads the folders of -dir and standard input", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/data/a", "a b\nc");
  folder.write("inside/other/b", "👋\n");
  folder.write("inside/c", "out of reach");
  const { code, stdout, stderr } = await runCapsule([
    ...["-mode=cli", program("count"), "-dir=./data", "-dir=other::/guest", "--"],
    ...["data/a", "/guest/b", "-", "data/../c"],
  ], { cwd: folder.inside, stdin: "é" });
  assert.deepEqual([code, stdout], [1, "1 3 5 data/a\n1 1 5 /guest/b\n0 1 2 -\n"]);
  assert.match(stderr, /^data\/\.\.\/c: /);
});

Deno.test("cli: a TinyGo program works in the folder of -dir and returns its exit code", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  const flags = [
    "-mode=cli",
    program("go-files/go-files"),
    `-dir=${folder.inside}::/data`,
    "-env=NAME=é",
  ];
  const { code, stdout, stderr } = await runCapsule([...flags, "--", "x"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: goFilesOutput, stderr: "" });
});

goTest(
  "cli: a Go program works in the folder of -dir and returns its exit code",
  async () => {
    using folder = new TemporaryFolder();
    folder.write("outside/decoy", "decoy");
    folder.link("../outside", "inside/out");
    await buildGo(`${programs}go-files`, { output: folder.at("program.wasm") });
    const flags = [
      "-mode=cli",
      `-wasm=${folder.at("program.wasm")}`,
      `-dir=${folder.inside}::/data`,
    ];
    const { code, stdout, stderr } = await runCapsule([...flags, "-env=NAME=é", "--", "x"]);
    assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: goFilesOutput, stderr: "" });
  },
);

goTest(
  "cli, http: a Go function with _initialize instead of _start is called",
  async () => {
    using folder = new TemporaryFolder();
    const wasm = folder.at("function.wasm");
    await buildGo(`${programs}go-reactor`, { output: wasm, flags: ["-buildmode=c-shared"] });
    const called = await runCapsule(["-mode=cli", `-wasm=${wasm}`, "é", "b"]);
    assert.deepEqual([called.code, called.stdout, called.stderr], [0, "cli: é°b\n", ""]);
    await using server = await startCapsule(["-mode=http", `-wasm=${wasm}`]);
    for (const body of ["one", "", "été"]) {
      const response = await fetch(server.url, { method: "POST", body });
      assert.equal(await response.text(), `I 👋 ${body}`);
    }
    assert.ok(await server.stdout.line((line) => line.endsWith('"message":"👋 été"}')));
  },
);

Deno.test("cli: a trap is exit code 134, with output, and offsets of the module as built", async () => {
  const module = new WebAssembly.Module(Deno.readFileSync(`${programs}trap.wasm`));
  const badDescriptor = () => 8;
  const { exports } = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: new Proxy({}, { get: () => badDescriptor }),
  });
  let built = "";
  try {
    (exports._start as () => void)();
  } catch (error) {
    [, built = ""] = (error as Error).stack?.match(/wasm:\/\/.*:(0x[0-9a-f]+)/) ?? [];
  }
  for (const flags of [[], ["-timeout=1m"]]) {
    const { code, stdout, stderr } = await runCapsule(["-mode=cli", program("trap"), ...flags]);
    assert.deepEqual([code, stdout], [134, ""]);
    assert.match(stderr, /^about to trap\n\S*trap\.wasm trapped: unreachable\n/);
    assert.ok(stderr.endsWith(`\n    at <anonymous> (${built})\n`), `${stderr} and ${built}`);
  }
});

/** Runs a program that has neither input nor a reader of its output. */
async function runStuck(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const child = spawnCapsule(args, "piped");
  const stderr = new Response(child.stderr).text();
  const { code } = await child.status;
  await child.stdin.close();
  await child.stdout.cancel();
  return { code, stderr: await stderr };
}

Deno.test("timeout: exit code 124 for a program that waits for input or for its reader", async () => {
  for (const name of ["echo", "until-closed"]) {
    const { code, stderr } = await runStuck(["-mode=cli", program(name), "-timeout=300ms"]);
    assert.equal(code, 124, name);
    assert.match(stderr, /'-timeout' allows 300 ms/, name);
  }
});

Deno.test("cli: a program whose output is closed gets EPIPE each time, and ends by itself", async () => {
  for (const flags of [[], ["-timeout=1m"]]) {
    const child = spawnCapsule(["-mode=cli", program("until-closed"), ...flags], "null");
    const stderr = new Response(child.stderr).text();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value?.subarray(0, 2)), "y\n");
    await reader.cancel();
    const { code } = await child.status;
    assert.deepEqual([code, await stderr], [3, "Broken pipe, Broken pipe\n"]);
  }
});

Deno.test("dir: refuses a folder that is missing or a file before the program runs", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/file", "");
  for (
    const [name, why] of [["nothing", "there is no such folder"], ["file", "it is not a folder"], [
      "file/below",
      "there is no such folder",
    ]]
  ) {
    const { code, stdout, stderr } = await runCapsule([
      "-mode=cli",
      program("echo"),
      `-dir=${name}::/x`,
    ], {
      cwd: folder.inside,
    });
    assert.deepEqual([code, stdout, stderr], [
      1,
      "",
      `capsule: cannot grant -dir=${name}: ${why}\n`,
    ]);
  }
});

Deno.test({
  name: "cli: a full device is an error for the program, not a crash",
  ignore: Deno.build.os !== "linux", // only Linux has /dev/full
  async fn() {
    const shell = '"$@" >/dev/full';
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", shell, "sh", ...capsuleCommand(), "-mode=cli", program("until-closed")],
      env: { NO_COLOR: "1" },
    }).output();
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [
      3,
      "No space left on device, No space left on device\n",
    ]);
  },
});

const hasPerl = await isInstalled("perl");

Deno.test({
  name: `cli: a non-blocking output that is full loses nothing${
    hasPerl ? "" : " (skipped: perl is not here)"
  }`,
  ignore: !hasPerl && Deno.env.get("CI") === undefined,
  async fn() {
    // Perl makes its output non-blocking and then executes Capsule.
    const script =
      "use Fcntl; fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK) or die; exec @ARGV or die";
    const child = new Deno.Command("perl", {
      args: ["-e", script, "--", ...capsuleCommand(), "-mode=cli", program("echo")],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const input = new Uint8Array(1_000_000).map((_, at) => at * 7 + (at >> 8));
    const writer = child.stdin.getWriter();
    const written = writer.write(input).then(() => writer.close());
    const output = new Uint8Array(await new Response(child.stdout).arrayBuffer());
    await written;
    assert.deepEqual([(await child.status).code, output.length], [7, input.length]);
    assert.deepEqual(output, input);
  },
});

Deno.test("cli: refuses a module that is neither a function nor a program", async () => {
  using folder = new TemporaryFolder();
  // A module that exports only its memory.
  const bytes = [
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    5,
    3,
    1,
    0,
    1,
    7,
    10,
    1,
    6,
    ...new TextEncoder().encode("memory"),
    2,
    0,
  ];
  Deno.writeFileSync(folder.at("library.wasm"), Uint8Array.from(bytes));
  const { code, stdout, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${folder.at("library.wasm")}`,
  ]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /library\.wasm is neither a function nor a program: it does not export "callHandle", .* nor "_start", with which a WASI program begins\n$/,
  );
});

Deno.test("http: a program is served as CGI: with a length, streamed, or HEAD", async () => {
  await using server = await startCapsule(["-mode=http", program("cgi"), "-env=MINE=é"]);
  // An older Deno compresses unless the client forbids it.
  const short = await fetch(`${server.url}/variables?q=a%20b`, {
    headers: { "accept-encoding": "identity" },
  });
  const text = await short.text();
  assert.equal(short.headers.get("content-length"), String(new TextEncoder().encode(text).length));
  const { port } = new URL(server.url);
  for (
    const line of ["MINE=é", "QUERY_STRING=q=a%20b", `SERVER_PORT=${port}`, "REMOTE_ADDR=127.0.0.1"]
  ) {
    assert.ok(text.split("\n").includes(line), `${line} is not in ${text}`);
  }
  const much = await fetch(`${server.url}/much`);
  assert.equal(much.headers.get("content-length"), null);
  assert.equal((await much.text()).length, 7_000_000);
  const head = await fetch(`${server.url}/endless`, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-type"), await head.text()], [
    200,
    "text/plain",
    "",
  ]);
  for (const [path, length] of [["told-length", "12345"], ["fields", "16"]]) {
    const told = await fetch(`${server.url}/${path}`, { method: "HEAD", redirect: "manual" });
    assert.deepEqual([told.headers.get("content-length"), await told.text()], [length, ""], path);
  }
  const untold = await fetch(`${server.url}/told-length`);
  assert.deepEqual([untold.headers.get("content-length"), await untold.text()], ["0", ""]);
  const waiting = await fetch(`${server.url}/first-then-sleep`);
  const reader = waiting.body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "first\n");
  await reader?.cancel();
  await assert.rejects((await fetch(`${server.url}/late-trap`)).text());
  assert.equal(await (await fetch(`${server.url}/health`)).text(), "OK");
  let busy = 1;
  for (let looks = 0; busy > 0 && looks < 1000; looks++) {
    ({ busy } = await (await fetch(`${server.url}/host-metrics`)).json());
  }
  assert.equal(busy, 0);
});

Deno.test("http: a program receives an unescaped path as the client's bytes", async () => {
  await using server = await startCapsule(["-mode=http", program("cgi")]);
  using raw = await connect(Number(new URL(server.url).port));
  // An older Deno drops the fragment.
  const fragment = await hasOlderDeno() ? "" : "#x";
  await raw.send("GET /variables?é☹#x HTTP/1.1\r\nHost: [::1]:99\r\n\r\n");
  const answer = (await raw.answer())?.body ?? "";
  const body = new TextDecoder().decode(Uint8Array.from(answer, (byte) => byte.charCodeAt(0)));
  for (
    const line of [
      `QUERY_STRING=é☹${fragment}`,
      `REQUEST_URI=/variables?é☹${fragment}`,
      "SERVER_NAME=[::1]",
    ]
  ) {
    assert.ok(body.split("\n").includes(line), `${line} is not in ${body}`);
  }
  await raw.send("GET /é/../☹ HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal((await raw.answer())?.body, "hello\n");
});

Deno.test("threads: each serves a program, and its output is logged", async () => {
  await using server = await startCapsule(["-mode=http", program("cgi"), "-threads=2"]);
  const answers = Array.from(
    { length: 8 },
    async () => await (await fetch(`${server.url}/complain`)).text(),
  );
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(["complained\n"]));
  const line = await server.stderr.line((text) => text.includes('"three"'));
  assert.deepEqual(JSON.parse(line ?? ""), { level: "info", function: "cgi", message: "three" });
});

/** A CGI program that responds with its arguments. */
const showsArguments = `(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\1a\\00\\00\\00\\00\\10\\00\\00")
  (data (i32.const 64) "Content-Type: text/plain\\0a\\0a")
  (func (export "_start")
    (drop (call $sizes (i32.const 16) (i32.const 12)))
    (drop (call $args (i32.const 1024) (i32.const 4096)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 20)))))`;

Deno.test("http: arguments after -- are the program's, and a function takes none", async () => {
  using folder = new TemporaryFolder();
  Deno.writeFileSync(folder.at("arguments.wasm"), compileWat(showsArguments));
  const flags = ["-mode=http", `-wasm=${folder.at("arguments.wasm")}`];
  await using server = await startCapsule([...flags, "--", "/s/app.py", "-x", "é"]);
  for (const path of ["/", "/b"]) {
    const response = await fetch(server.url + path);
    assert.equal(await response.text(), "arguments.wasm\0/s/app.py\0-x\0é\0");
  }
  const { code, stderr } = await runCapsule(["-mode=http", "-httpPort=0", "--", "x"]);
  assert.equal(code, 2);
  assert.match(stderr, /is a function, which takes no arguments with -mode=http: got "x"/);
});

/** A CGI program that declares `length` bytes of body and writes `chunks` blocks of 64 KiB. */
function declaring(length: number, chunks: number): Uint8Array<ArrayBuffer> {
  const head = `Content-Type: a/b\\0aContent-Length: ${length}\\0a\\0a`;
  const headLength = new TextEncoder().encode(head.replaceAll("\\0a", "\n")).length;
  return compileWat(`(module
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 64) "${head}")
    (func $out (param $at i32) (param $length i32)
      (i32.store (i32.const 0) (local.get $at))
      (i32.store (i32.const 4) (local.get $length))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start") (local $n i32)
      (call $out (i32.const 64) (i32.const ${headLength}))
      (loop $next
        (call $out (i32.const 65536) (i32.const 65536))
        (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
          (i32.const ${chunks}))))))`);
}

Deno.test("http: a large CGI response keeps its Content-Length, which bounds its body", async () => {
  using folder = new TemporaryFolder();
  const lengths: [written: number, chunks: number][] = [[8 * 65536, 8], [7 * 65536 + 5, 8]];
  for (const [length, chunks] of lengths) {
    Deno.writeFileSync(folder.at("large.wasm"), declaring(length, chunks));
    await using server = await startCapsule(["-mode=http", `-wasm=${folder.at("large.wasm")}`]);
    const response = await fetch(server.url);
    assert.equal(response.headers.get("content-length"), String(length));
    assert.equal((await response.bytes()).length, length);
  }
  Deno.writeFileSync(folder.at("large.wasm"), declaring(9 * 65536, 8));
  await using server = await startCapsule(["-mode=http", `-wasm=${folder.at("large.wasm")}`]);
  await assert.rejects((await fetch(server.url)).bytes(), "the body is shorter than declared");
});
