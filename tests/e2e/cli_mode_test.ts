import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isBinary, runCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const guest = (name: string) => at(`tests/testdata/go/${name}/${name}.wasm`);
const hello = at("examples/hello-cli/hello.wasm");

Deno.test("the description's cli call prints exactly its four lines", async () => {
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
  name: "a call reads no file of a server, a store, a rewriter or a way to files",
  ignore: isBinary, // which is one file
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
        ...["abi/guest_strings.ts", "base/byte_string.ts"],
        ...[
          "cli/mistyped.ts",
          "cli/refusals.ts",
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

Deno.test("main.ts, a call's mode and the preparation name every file that comes with them, so that none is read later than others", async () => {
  const main = await modulesOf(at("main.ts"));
  const before = reached(main, at("main.ts"), new Set());
  const mode = at("src/modes/cli.ts");
  const after = reached(await modulesOf(mode), mode, before.all);
  assert.ok(
    before.all.size > 10 && after.all.size > 27,
    `${before.all.size} and ${after.all.size} files`,
  );
  const prepare = at("src/prepare/prepare.ts");
  const prepared = reached(
    await modulesOf(prepare),
    prepare,
    new Set([...before.all, ...after.all]),
  );
  assert.ok(prepared.all.size > 20, `${prepared.all.size} files`);
  assert.deepEqual([...before.unnamed, ...after.unnamed, ...prepared.unnamed], []);
});

/** The files that a file loads with itself, for each file of the program that begins with `path`. */
async function modulesOf(path: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", path] })
    .output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: {
      local?: string;
      dependencies?: { code?: { specifier: string }; isDynamic?: boolean }[];
    }[];
  };
  return new Map(modules.map(({ local = "", dependencies = [] }) => [
    local,
    dependencies.flatMap(({ code, isDynamic }) =>
      code?.specifier.startsWith("file:") && !isDynamic ? [fileURLToPath(code.specifier)] : []
    ),
  ]));
}

/** All that a file loads with itself and that is not there yet, and what of it the file does not name. */
function reached(
  modules: ReadonlyMap<string, readonly string[]>,
  first: string,
  there: ReadonlySet<string>,
) {
  const all = new Set([first]);
  for (const path of all) {
    for (const other of modules.get(path) ?? []) if (!there.has(other)) all.add(other);
  }
  const named = new Set(modules.get(first));
  return { all, unnamed: [...all].filter((path) => path !== first && !named.has(path)) };
}

Deno.test("without a module the built-in function is called, and a line says so", async () => {
  const { code, stdout, stderr } = await runCapsule(["-mode=cli", "hi"]);
  assert.equal(code, 0);
  assert.equal(stdout, "👋 Hello hi 🌍\n");
  assert.match(
    stderr,
    /^calling the built-in hello function; your own: capsule -mode=cli -wasm=\S+\n$/,
  );
});

Deno.test("empty arguments are kept, and none at all are one empty argument", async () => {
  const some = await runCapsule(["-mode=cli", `-wasm=${hello}`, "", "b", ""]);
  assert.equal(
    some.stdout,
    "- parameter is: \n- parameter is: b\n- parameter is: \nThe first parameter is: \n",
  );
  const none = await runCapsule(["-mode=cli", `-wasm=${hello}`]);
  assert.equal(none.stdout, "- parameter is: \nThe first parameter is: \n");
});

Deno.test("an argument that holds the separator is split by the guest, and a warning says so", async () => {
  const { stdout, stderr } = await runCapsule(["-mode=cli", `-wasm=${hello}`, "20°C"]);
  assert.equal(stdout, "- parameter is: 20\n- parameter is: C\nThe first parameter is: 20\n");
  assert.match(stderr, /^warning: the argument "20°C" holds "°"/);
});

Deno.test("a handler's error goes to stderr, exit code 1", async () => {
  const { code, stdout, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${guest("cli-error")}`,
    "☹ no",
  ]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /☹ no/);
});

Deno.test("a trap's panic goes to stderr alone, exit code 134", async () => {
  const { code, stdout, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${guest("cli-panic")}`,
    "boom",
  ]);
  assert.equal(code, 134);
  assert.doesNotMatch(stdout, /panic/);
  assert.match(stderr, /^panic: .*boom/m);
});

Deno.test("a module for the other mode traps, and the message says which mode it was built for", async () => {
  const { code, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${at("examples/hello-http/hello.wasm")}`,
  ]);
  assert.equal(code, 134);
  assert.match(stderr, /probably built for -mode=http: it calls SetHandleHttp/);
});

Deno.test("a result of the original library is printed as it came", async () => {
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

Deno.test("what main logs comes before what the handler logs", async () => {
  const { stdout } = await runCapsule(["-mode=cli", `-wasm=${guest("main-log")}`, "x"]);
  assert.equal(stdout, "main runs\ncli: x\n");
});

Deno.test("files below the working directory are read and written, others are refused with the flag that would allow it", async () => {
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

Deno.test("a guest cannot read or overwrite the module that it runs from", async () => {
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

Deno.test("a guest reads the environment, but not the launcher's secrets", async () => {
  const environment = at("examples/environment/environment.wasm");
  const { stdout } = await runCapsule(["-mode=cli", `-wasm=${environment}`], {
    env: { MESSAGE: "👋" },
  });
  assert.match(stdout, /👋/);
});

const badModules: [name: string, bytes: Uint8Array, expected: RegExp][] = [
  ["text", new TextEncoder().encode("hello"), /is no WebAssembly module: it begins with "hello"/],
  ["empty", new Uint8Array(0), /empty|not a WebAssembly/i],
  [
    "only a header",
    new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    /neither a function nor a program/,
  ],
];

for (const [name, bytes, expected] of badModules) {
  Deno.test(`a module that is ${name} is refused with one line, exit code 1`, async () => {
    await inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/bad.wasm`, bytes);
      const { code, stdout, stderr } = await runCapsule(["-mode=cli", "-wasm=bad.wasm"], {
        cwd: folder,
      });
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, expected);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    });
  });
}

Deno.test("every truncation of a module is refused with one line", async () => {
  const whole = await Deno.readFile(hello);
  await inFolder(async (folder) => {
    for (const part of [0.05, 0.3, 0.6, 0.999]) {
      await Deno.writeFile(
        `${folder}/bad.wasm`,
        whole.subarray(0, Math.floor(whole.length * part)),
      );
      const { code, stderr } = await runCapsule(["-mode=cli", "-wasm=bad.wasm"], { cwd: folder });
      assert.equal(code, 1);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  });
});

Deno.test("a missing file is named", async () => {
  const { code, stderr } = await runCapsule(["-mode=cli", "-wasm=/nowhere/x.wasm"]);
  assert.equal(code, 1);
  assert.match(stderr, /\/nowhere\/x\.wasm.*no such file/);
});
