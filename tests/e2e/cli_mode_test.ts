import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isBinary, runCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const guest = (name: string) => at(`tests/testdata/go/${name}/${name}.wasm`);
const hello = at("examples/hello-cli/hello.wasm");

Deno.test("cli: the call of the first README prints exactly its four lines", async () => {
  const { code, stdout, stderr } = await runCapsule([
    `-wasm=${hello}`,
    "-mode=cli",
    "👋 hello world 🌍🎃",
    "1234",
    "Bob Morane",
  ]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.equal(
    stdout,
    "- parameter is: 👋 hello world 🌍🎃\n- parameter is: 1234\n- parameter is: Bob Morane\n" +
      "The first parameter is: 👋 hello world 🌍🎃\n",
  );
});

Deno.test({
  name: "cli: a plain call loads no file of a server, a store, the rewriter or the file system",
  ignore: isBinary, // a compiled program is one file
  fn: () =>
    inFolder(async (folder) => {
      const copy = (from: string, to: string) => {
        Deno.mkdirSync(to);
        for (const { name, isDirectory } of Deno.readDirSync(from)) {
          const [source, target] = [`${from}/${name}`, `${to}/${name}`];
          if (isDirectory) copy(source, target);
          else if (name.endsWith(".ts")) Deno.copyFileSync(source, target);
        }
      };
      copy(at("src"), `${folder}/src`);
      for (const file of ["main.ts", "deno.json", "deno.lock"]) {
        Deno.copyFileSync(at(file), `${folder}/${file}`);
      }
      for (
        const room of ["registry", "proxy", "server", "store", "worker", "sdk", "host/outbound"]
      ) {
        Deno.removeSync(`${folder}/src/${room}`, { recursive: true });
      }
      const others = [
        "abi/guest_strings.ts",
        ...[
          "cli/usage.ts",
          "files/folder.ts",
          "files/system_backend.ts",
          "files/file_error.ts",
        ],
        ...[
          "function/command.ts",
          "function/function.ts",
          "function/traps.ts",
          "host/http.ts",
          "host/redis.ts",
        ],
        ...[
          "modes/http.ts",
          "modes/fetch_url.ts",
          "prepare/prepare.ts",
          "prepare/format/layout.ts",
        ],
        ...[
          "wasi/path.ts",
          "wasi/clock.ts",
          "wasi/fd_read.ts",
          "wasi/streams.ts",
          "wasm/pool.ts",
          "wasm/call_watch.ts",
          "wasm/standing_stack.ts",
          "function/pooled_instance.ts",
        ],
      ];
      for (const file of others) {
        Deno.removeSync(`${folder}/src/${file}`);
      }
      const call = await runCapsule(["-mode=cli", `-wasm=${hello}`, "👋"], {
        main: `${folder}/main.ts`,
      });
      assert.deepEqual({ code: call.code, stderr: call.stderr }, { code: 0, stderr: "" });
      assert.equal(call.stdout, "- parameter is: 👋\nThe first parameter is: 👋\n");
    }),
});

Deno.test("cli: without -wasm the built-in function is called, with a notice on stderr", async () => {
  const { code, stdout, stderr } = await runCapsule(["-mode=cli", "hi"]);
  assert.equal(code, 0);
  assert.equal(stdout, "👋 Hello hi 🌍\n");
  assert.match(
    stderr,
    /^calling the built-in hello function; your own: \S.* -mode=cli -wasm=\.\/hello\.wasm\n$/,
  );
});

Deno.test("cli: empty arguments are kept, and no argument is one empty argument", async () => {
  const some = await runCapsule(["-mode=cli", `-wasm=${hello}`, "", "b", ""]);
  assert.equal(
    some.stdout,
    "- parameter is: \n- parameter is: b\n- parameter is: \nThe first parameter is: \n",
  );
  const none = await runCapsule(["-mode=cli", `-wasm=${hello}`]);
  assert.equal(none.stdout, "- parameter is: \nThe first parameter is: \n");
});

Deno.test("cli: an argument with the separator ° is split by the guest, with a warning", async () => {
  const { stdout, stderr } = await runCapsule(["-mode=cli", `-wasm=${hello}`, "20°C"]);
  assert.equal(stdout, "- parameter is: 20\n- parameter is: C\nThe first parameter is: 20\n");
  assert.match(stderr, /^warning: the argument "20°C" contains "°"/);
});

Deno.test("cli: a handler's error goes to stderr, exit code 1", async () => {
  const { code, stdout, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${guest("cli-error")}`,
    "☹ no",
  ]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /☹ no/);
});

Deno.test("cli: a panic's message goes to stderr only, exit code 134", async () => {
  const { code, stdout, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${guest("cli-panic")}`,
    "boom",
  ]);
  assert.equal(code, 134);
  assert.doesNotMatch(stdout, /panic/);
  assert.match(stderr, /^panic: .*boom/m);
});

Deno.test("cli: a module built for http traps, and the message names that mode", async () => {
  const { code, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${at("examples/hello-http/hello.wasm")}`,
  ]);
  assert.equal(code, 134);
  assert.match(stderr, /probably built for -mode=http: it calls SetHandleHttp/);
});

Deno.test("cli: a result of the 0.1.3 library is printed byte for byte", async () => {
  const { code, stdout } = await runCapsule([
    "-mode=cli",
    `-wasm=${at("tests/testdata/tinygo-0.27/hello-cli.wasm")}`,
    "é",
  ]);
  assert.deepEqual({ code, stdout }, {
    code: 0,
    stdout: "- parameter is: é\nThe first parameter is: é\n",
  });
});

Deno.test("cli: the log lines of main precede those of the handler", async () => {
  const { stdout } = await runCapsule(["-mode=cli", `-wasm=${guest("main-log")}`, "x"]);
  assert.equal(stdout, "main runs\ncli: x\n");
});

Deno.test("cli: files below the working directory are open, others are refused with the flag", async () => {
  await inFolder(async (folder) => {
    const call = async (...args: string[]) =>
      await runCapsule(["-mode=cli", `-wasm=${guest("files")}`, ...args], { cwd: folder });
    const written = await call("write", "hello.txt", "👋 HELLO");
    assert.deepEqual([written.code, written.stdout], [0, "file created\n"]);
    assert.equal(await Deno.readTextFile(`${folder}/hello.txt`), "👋 HELLO");
    assert.equal((await call("read", "hello.txt")).stdout, "👋 HELLO\n");
    const missing = await call("read", "nothing.txt");
    assert.deepEqual([missing.code, missing.stderr], [
      1,
      "open nothing.txt: no such file or directory\n",
    ]);
    const outside = await call("read", "/etc/hostname");
    assert.equal(outside.code, 1);
    assert.match(outside.stderr, /\/etc\/hostname.*(-dir|-allowRead)/);
    const confined = await call("read", "hello.txt", "-sandbox");
    assert.equal(confined.code, 1);
    assert.match(confined.stderr, /-sandbox/);
  });
});

Deno.test("cli: a guest can neither read nor overwrite its own module", async () => {
  await inFolder(async (folder) => {
    await Deno.copyFile(guest("files"), `${folder}/own.wasm`);
    for (
      const args of [["read", "own.wasm"], ["write", "own.wasm", "x"], ["read", "./../own.wasm"]]
    ) {
      const { code } = await runCapsule(["-mode=cli", "-wasm=own.wasm", ...args], { cwd: folder });
      assert.equal(code, 1, args.join(" "));
    }
    assert.deepEqual(
      await Deno.readFile(`${folder}/own.wasm`),
      await Deno.readFile(guest("files")),
    );
  });
});

Deno.test("cli: GetEnv reads the environment, but not the launcher's secrets", async () => {
  const env = { MESSAGE: "👋", CAPSULE_ADMIN_TOKEN: "a-secret-token" };
  const read = (name: string) =>
    runCapsule(["-mode=cli", `-wasm=${guest("get-env")}`, name], { env });
  assert.equal((await read("MESSAGE")).stdout, "👋\n");
  const secret = await read("CAPSULE_ADMIN_TOKEN");
  assert.doesNotMatch(secret.stdout + secret.stderr, /a-secret-token/);
  assert.match(secret.stderr, /CAPSULE_ADMIN_TOKEN is empty/);
});

const badModules: [name: string, bytes: Uint8Array, expected: RegExp][] = [
  [
    "text",
    new TextEncoder().encode("hello"),
    /is not a WebAssembly module: it begins with "hello"/,
  ],
  ["empty", new Uint8Array(0), /bad\.wasm is not a WebAssembly module: it is empty$/],
  [
    "only a header",
    new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    /neither a function nor a program/,
  ],
];

for (const [name, bytes, expected] of badModules) {
  Deno.test(`cli: a module that is ${name} is refused with one line, exit code 1`, async () => {
    await inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/bad.wasm`, bytes);
      const { code, stdout, stderr } = await runCapsule(["-mode=cli", "-wasm=bad.wasm"], {
        cwd: folder,
      });
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr.trimEnd(), expected);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    });
  });
}

Deno.test("cli: a module cut within its header or a section is refused with one line", async () => {
  const whole = await Deno.readFile(hello);
  const lengths = [1, 4, 7, 9, ...[0.05, 0.3, 0.6].map((part) => Math.floor(whole.length * part))];
  await inFolder(async (folder) => {
    for (const length of [...lengths, whole.length - 1]) {
      await Deno.writeFile(`${folder}/bad.wasm`, whole.subarray(0, length));
      const { code, stdout, stderr } = await runCapsule(["-mode=cli", "-wasm=bad.wasm"], {
        cwd: folder,
      });
      assert.deepEqual([code, stdout], [1, ""], `${length} bytes`);
      assert.match(stderr, /^capsule: .*bad\.wasm.*\n$/, `${length} bytes`);
    }
  });
});

Deno.test("cli: a missing module is named", async () => {
  const { code, stderr } = await runCapsule(["-mode=cli", "-wasm=/nowhere/x.wasm"]);
  assert.equal(code, 1);
  assert.match(stderr, /\/nowhere\/x\.wasm.*no such file/);
});
