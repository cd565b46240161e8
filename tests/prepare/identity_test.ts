import assert from "node:assert/strict";
import {
  type PreparedModule,
  prepareModule,
  type PrepareOptions,
  prepareScanned,
  scanModule,
} from "../../src/prepare/prepare.ts";
import { committedModules, watModules } from "./modules.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const everything: PrepareOptions = {
  exportGlobals: true,
  quietExit: true,
  steps: true,
  startMemos: "record",
};

function prepared(bytes: Uint8Array, options: PrepareOptions): PreparedModule {
  const result = prepareModule(bytes, options);
  assert(
    result.kind === "prepared",
    result.kind === "unprepared" ? JSON.stringify(result.unknown) : "",
  );
  return result;
}

/** Checks that a module without options stays the same, and with options stays valid. */
function checkModule(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  assert.deepEqual(prepared(bytes, {}).bytes, bytes, `${name} without options`);
  for (
    const options of [
      everything,
      { steps: true },
      { exportGlobals: true },
      { quietExit: true },
      { startMemos: "record" } as const,
    ]
  ) {
    const { bytes: rewritten } = prepared(bytes, options);
    assert(WebAssembly.validate(rewritten), `${name} with ${JSON.stringify(options)}`);
  }
}

Deno.test("prepareModule: a committed module is the same without options, valid with all", () => {
  const modules = committedModules();
  assert(modules.length > 10, `only ${modules.length} modules were found`);
  for (const { name, bytes } of modules) checkModule(name, bytes);
});

Deno.test("prepareModule: a module of each instruction family is the same or valid, too", () => {
  for (const { name, bytes } of watModules()) {
    assert(WebAssembly.validate(bytes), `${name} before`);
    checkModule(name, bytes);
  }
});

/** Small programs for compilers that Capsule does not need. */
const compilers: {
  name: string;
  file: string;
  text: string;
  command: string[];
  env?: Record<string, string>;
}[] = [
  {
    name: "Go",
    file: "main.go",
    text: 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n',
    command: ["go", "build", "-o", "out.wasm", "main.go"],
    env: { GOOS: "wasip1", GOARCH: "wasm", GOFLAGS: "-mod=mod" },
  },
  {
    name: "Rust",
    file: "main.rs",
    text: 'fn main() { println!("{:?}", std::env::args().collect::<Vec<_>>()); }\n',
    command: ["rustc", "--target", "wasm32-wasip1", "-O", "-o", "out.wasm", "main.rs"],
  },
  {
    name: "clang",
    file: "main.c",
    text:
      '#include <stdio.h>\nint main(int count, char **a) { printf("%d %s\\n", count, a[0]); return 0; }\n',
    command: [
      "clang-19",
      "--target=wasm32-wasi",
      "--sysroot=/usr",
      "-O2",
      "-o",
      "out.wasm",
      "main.c",
    ],
  },
];

for (const { name, file, text, command, env = {} } of compilers) {
  Deno.test(`prepareModule: a module of ${name} is the same without options, valid with all`, async (test) => {
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/${file}`, text);
      const [tool = "", ...args] = command;
      const run = async () =>
        await new Deno.Command(tool, { args, cwd: folder, env, stdout: "null", stderr: "null" })
          .output();
      const isBuilt = await run().then(({ success }) => success, () => false);
      // A compiler may be missing: the committed modules cover TinyGo.
      await test.step({
        name: `the module of ${name}`,
        ignore: !isBuilt,
        fn: async () => checkModule(name, await Deno.readFile(`${folder}/out.wasm`)),
      });
    });
  });
}

Deno.test("prepareScanned: prepares a module again and again with the same result", () => {
  for (const { name, bytes } of committedModules()) {
    const scanned = scanModule(bytes);
    const options = [everything, {}, { ...everything, startMemos: "record" as const }, {
      steps: true,
    }];
    for (const each of [...options, ...options]) {
      assert.deepEqual(prepareScanned(scanned, each), prepareModule(bytes, each), name);
    }
  }
});
