import assert from "node:assert/strict";
import {
  type PreparedModule,
  prepareModule,
  type PrepareOptions,
} from "../../src/prepare/prepare.ts";
import { bindGlobal } from "../../src/wasm/instance.ts";
import { compileWat, moduleOf, section } from "./modules.ts";

function prepareText(text: string, options: PrepareOptions): PreparedModule {
  const result = prepareModule(compileWat(text), options);
  assert(
    result.kind === "prepared",
    result.kind === "unprepared" ? JSON.stringify(result.unknown) : "",
  );
  return result;
}

function instantiate(
  { bytes }: PreparedModule,
  imports: WebAssembly.Imports = {},
): Record<string, WebAssembly.Global & (() => number)> {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports as never;
}

Deno.test("prepareModule: exports every mutable global, hidden or not", () => {
  const prepared = prepareText(
    `(module
      (global $constant i32 (i32.const 1))
      (global $i (mut i32) (i32.const 2))
      (global $l (export "mine") (mut i64) (i64.const 3))
      (global $d (mut f64) (f64.const 4))
      (global $r (mut funcref) (ref.null func))
      (global $f (mut f32) (f32.const nan:0x200001))
      (func (export "run") (result i32)
        (global.set $i (i32.add (global.get $i) (i32.const 40)))
        (global.set $f (f32.const 1))
        (global.get $i)))`,
    { exportGlobals: true },
  );
  assert.deepEqual(prepared.globals, [
    { exportName: "capsule:prepare:global:1", type: "i32" },
    { exportName: "capsule:prepare:global:2", type: "i64" },
    { exportName: "capsule:prepare:global:3", type: "f64" },
    { exportName: "capsule:prepare:global:4", type: "funcref" },
    { exportName: "capsule:prepare:global:5", type: "f32" },
  ]);
  assert.deepEqual(prepared.cannotReset, []);
  const exports = instantiate(prepared);
  const globals = prepared.globals.map(({ exportName }) => bindGlobal(exports, exportName));
  const first = globals.map(({ value }) => value);
  // Floating-point numbers are read as their bits.
  assert.deepEqual(first, [2, 3n, 0x4010000000000000n, null, 0x7fa00001]);
  assert.equal(exports.run?.(), 42);
  assert.deepEqual(globals.map(({ value }) => value), [42, 3n, first[2], null, 0x3f800000]);
  globals.forEach((global, index) => global.value = first[index]);
  assert.deepEqual(globals.map(({ value }) => value), first);
  assert.equal(exports.run?.(), 42);
});

Deno.test("trackVisiblePages: a reset hides the growth of a memory, which then grows anew", () => {
  const prepared = prepareText(
    `(module (memory 1 8)
      (func (export "size") (result i32) (memory.size))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`,
    { exportGlobals: true },
  );
  assert.deepEqual(prepared.globals, [{ exportName: "capsule:prepare:pages", type: "i32" }]);
  const exports = instantiate(prepared);
  const { size, grow } = exports as never as Record<"size" | "grow", (pages?: number) => number>;
  const pagesThere = () =>
    (exports["capsule:prepare:memory"] as unknown as WebAssembly.Memory).buffer.byteLength / 65536;
  assert.deepEqual([size(), grow(3), size(), pagesThere()], [1, 1, 4, 4]);
  Object.assign(exports["capsule:prepare:pages"] ?? {}, { value: 1 });
  assert.deepEqual([size(), grow(0), grow(2), size(), pagesThere()], [1, 1, 1, 3, 4]);
  assert.deepEqual([grow(6), grow(-1), size(), pagesThere()], [-1, -1, 3, 4]);
  assert.deepEqual([grow(3), size(), pagesThere()], [3, 6, 6]);
  assert.deepEqual([grow(2), grow(1), size(), pagesThere()], [6, -1, 8, 8]);
});

Deno.test("trackVisiblePages: skips a memory that cannot grow, is imported or one of several", () => {
  for (
    const [text, globals] of [
      [`(memory 1) (func (drop (memory.size)))`, 0],
      [`(import "env" "m" (memory 1)) (func (drop (memory.grow (memory.size))))`, 0],
      [`(memory 1) (memory 1) (func (drop (memory.grow 1 (memory.size 0))))`, 0],
      [`(memory 1) (func (drop (memory.grow (memory.size))))`, 1],
    ] as const
  ) {
    assert.equal(
      prepareText(`(module ${text})`, { exportGlobals: true }).globals.length,
      globals,
      text,
    );
  }
});

Deno.test("rewrite: adds the sections that the additions need", () => {
  const prepared = prepareText(`(module (memory 1) (global (mut i32) (i32.const 5)))`, {
    exportGlobals: true,
    steps: true,
  });
  const exports = instantiate(prepared);
  assert.equal(exports["capsule:prepare:global:0"]?.value, 5);
  assert.equal(prepared.memoryExport, "capsule:prepare:memory");
  assert(exports["capsule:prepare:memory"] as unknown instanceof WebAssembly.Memory);
  assert.equal(prepared.counterExport, undefined);
  assert.deepEqual(
    prepareModule(moduleOf(), { steps: true, exportGlobals: true, quietExit: true }).bytes,
    moduleOf(),
  );
});

Deno.test("exportState: lists what a reset cannot restore, as sentences", () => {
  for (
    const [text, sentence] of [
      [
        `(global (mut v128) (v128.const i64x2 0 0))`,
        "Its mutable global 0 has type v128, which JavaScript cannot restore.",
      ],
      [
        `(global (mut exnref) (ref.null exn))`,
        "Its mutable global 0 has type exnref, which JavaScript cannot restore.",
      ],
      [`(memory 1) (memory 1)`, "It has 2 memories."],
      [`(import "env" "m" (memory 1))`, "It imports the memory 'env.m', which others may change."],
      [
        `(import "env" "t" (table 1 funcref))`,
        "It imports the table 'env.t', which others may change.",
      ],
      [
        `(import "env" "g" (global (mut i32)))`,
        "It imports the global 'env.g', which others may change.",
      ],
      [
        `(table 1 externref) (func (param externref) (table.set (i32.const 0) (local.get 0)))`,
        "Its code writes to a table (table.set at offset 0x22).",
      ],
      [
        `(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))`,
        "Its code writes to a table (table.grow at offset 0x21).",
      ],
      [
        `(memory 1) (data "x") (func (data.drop 0))`,
        "Its code drops a segment (data.drop at offset 0x1f).",
      ],
    ] as const
  ) {
    assert.deepEqual(prepareText(`(module ${text})`, {}).cannotReset, [sentence]);
  }
  for (
    const harmless of [
      `(import "env" "g" (global i32))`,
      `(memory 1) (data "x") (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))`,
      `(table (export "t") 1 funcref) (func $f (start $f))`.replace("(start $f)", ""),
      `(func $f) (start $f)`,
    ]
  ) {
    assert.deepEqual(prepareText(`(module ${harmless})`, {}).cannotReset, [], harmless);
  }
});

Deno.test("quietExit: _start ends without a throw where it calls proc_exit itself", () => {
  const text = `(module
    (import "env" "note" (func $note (param i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (table funcref (elem $note $later))
    (global $after (export "after") (mut i32) (i32.const 0))
    (func $later (param i32) (global.set $after (local.get 0)))
    (func (export "_start")
      (call $note (i32.const 1))
      (block (if (i32.const 1) (then (call $proc_exit (i32.const 7)) (unreachable))))
      (call $later (i32.const 99)))
    (func (export "other") (call_indirect (param i32) (i32.const 5) (i32.const 1)) (call $proc_exit (i32.const 8))))`;
  const prepared = prepareText(text, { quietExit: true });
  assert.equal(prepared.quietExits, 1);
  const calls: string[] = [];
  const note = (name: string) => (value: number) => calls.push(`${name} ${value}`);
  const exports = instantiate(prepared, {
    env: { note: note("note") },
    wasi_snapshot_preview1: { proc_exit: note("proc_exit") },
    "capsule:prepare": { exit: note("exit") },
  });
  exports._start?.();
  assert.deepEqual(calls, ["note 1", "exit 7"]);
  assert.equal(exports.after?.value, 0);
  exports.other?.();
  assert.equal(exports.after?.value, 5);
  assert.equal(calls.at(-1), "proc_exit 8");
});

Deno.test("quietExit: leaves a _start that is used elsewhere, and another proc_exit", () => {
  const exit = `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`;
  const start = `(func $start (export "_start") (call $exit (i32.const 0)))`;
  for (
    const text of [
      `${exit} ${start} (func (call $start))`,
      `${exit} ${start} (func (return_call $start))`,
      `${exit} ${start} (start $start)`,
      `${exit} ${start} (export "main" (func $start))`,
      `${exit} ${start} (table funcref (elem $start))`,
      `${exit} ${start} (elem declare func $start) (func (drop (ref.func $start)))`,
      `${exit} ${start} (global funcref (ref.func $start))`,
      `${exit} (func (export "_start") (param i32) (call $exit (i32.const 0)))`,
      `(import "env" "proc_exit" (func $exit (param i32))) ${start}`,
      `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i64))) (func (export "_start") (call $exit (i64.const 0)))`,
    ]
  ) {
    const bytes = compileWat(`(module ${text})`);
    const prepared = prepareModule(bytes, { quietExit: true });
    assert(prepared.kind === "prepared");
    assert.equal(prepared.quietExits, 0, text);
    assert.deepEqual(prepared.bytes, bytes);
  }
});

Deno.test("prepareModule: refuses a module with the launcher's names, as one prepared before", () => {
  const once = prepareText(`(module (func $f (export "f") (loop $l (br $l))))`, { steps: true });
  assert.throws(() => prepareModule(once.bytes, {}), {
    code: "LOAD",
    message: /it uses 'capsule:prepare'/,
  });
  const guest = compileWat(`(module (memory (export "capsule:prepare:memory") 1))`);
  assert.throws(() => prepareModule(guest, {}), { message: /it uses 'capsule:prepare:memory'/ });
});

const functionType = section(1, 1, 0x60, 0, 0);

for (
  const [name, bytes, unknown] of [
    ["a form of types", moduleOf(section(1, 1, 0x5d, 0)), ["0x5d", 11, "a form of types"]],
    ["a type", moduleOf(section(1, 1, 0x60, 1, 0x68, 0)), ["0x68", 13, "a type"]],
    ["a heap type", moduleOf(section(1, 1, 0x60, 1, 0x63, 0x68, 0)), ["0x68", 14, "a type"]],
    [
      "a kind of memory",
      moduleOf(section(5, 1, 0x08, 1, 0)),
      ["0x08", 11, "limits of another kind"],
    ],
    [
      "a kind of global",
      moduleOf(section(6, 1, 0x7f, 2, 0x41, 0, 0x0b)),
      ["0x02", 12, "a global with flags"],
    ],
    ["a section", moduleOf([14, 1, 0]), ["0x0e", 8, "a section"]],
    [
      "an instruction",
      moduleOf(functionType, section(3, 1, 0), section(10, 1, 4, 0, 0xe0, 0, 0x0b)),
      ["0xe0", 23, "an instruction of stack switching"],
    ],
    [
      "an instruction after a prefix",
      moduleOf(functionType, section(3, 1, 0), section(10, 1, 4, 0, 0xfc, 19, 0x0b)),
      ["0xfc 0x13", 23, "an instruction on memories, tables or wide integers"],
    ],
  ] as [string, Uint8Array, [string, number, string]][]
) {
  Deno.test(`prepareModule: returns a module with ${name} it does not know unprepared`, () => {
    const result = prepareModule(bytes, {
      steps: true,
      exportGlobals: true,
      quietExit: true,
    });
    assert(result.kind === "unprepared");
    const [opcode, offset, what] = unknown;
    assert.deepEqual(result.unknown, { opcode, offset, what });
    assert.equal(result.bytes, bytes);
  });
}

Deno.test("scanCode: refuses code that does not fit together, with its offset", () => {
  const type = section(1, 1, 0x60, 0, 0);
  const of = (...body: number[]) =>
    moduleOf(type, section(3, 1, 0), section(10, 1, body.length + 1, 0, ...body));
  for (
    const [body, message] of [
      [[0x01], /a function ends inside a block, at offset 0x18/],
      [[0x0b, 0x01], /a function does not end with its last block, at offset 0x18/],
      [[0x0c, 1, 0x0b], /label 1 does not exist, at offset 0x18/],
      [[0x10, 1, 0x0b], /function 1 does not exist, at offset 0x18/],
      [[0x23, 0, 0x1a, 0x0b], /global 0 does not exist, at offset 0x18/],
      [[0x41, 0, 0x24, 0x80, 0, 0x0b], /global 0 does not exist, at offset 0x1a/],
      [[0x02, 5, 0x0b, 0x0b], /type 5 does not exist, at offset 0x18/],
      [[0x05, 0x0b], /else or catch is not in a block of its kind, at offset 0x17/],
      [[0x18, 0, 0x0b], /delegate ends no try/],
      [[0x41, 0xff], /a function ends inside a block/],
      [[0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f], /do not fit in the 0 bytes left/],
    ] as [number[], RegExp][]
  ) {
    assert.throws(() => prepareModule(of(...body), {}), { code: "LOAD", message });
  }
  assert.throws(() => prepareModule(moduleOf(type, section(3, 1, 0)), {}), {
    message: /1 functions have 0 bodies/,
  });
  const locals = section(10, 1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b);
  assert.throws(() => prepareModule(moduleOf(type, section(3, 1, 0), locals), {}), {
    message: /4294967295 locals are more than V8 allows/,
  });
});

Deno.test("prepareModule: a module cannot name what the preparation adds", () => {
  // Without a check, the first index after a module's own would be the step counter.
  for (
    const [bytes, message] of [
      [compileWat(`(module (func (loop $l (br $l)) (global.set 0 (i32.const 9))))`), /global 0/],
      [
        compileWat(`(module (memory 1) (func (param i32)
          (memory.fill (i32.const 0) (i32.const 0) (local.get 0)) (local.set 1 (i32.const 9))))`),
        /local 1/,
      ],
      [moduleOf(section(7, 1, 1, 0x67, 3, 0)), /global 0/],
      [moduleOf(section(7, 1, 1, 0x6d, 2, 0)), /memory 0/],
      [moduleOf(functionType, section(13, 1, 0, 1)), /type 1 of a tag/],
      [moduleOf(functionType, section(3, 1, 0), section(8, 1)), /function 1/],
    ] as [Uint8Array, RegExp][]
  ) {
    const prepare = () => prepareModule(bytes, { steps: true, exportGlobals: true });
    assert.throws(prepare, { code: "LOAD", message });
  }
});

/** Returns a module with one function, (i32) -> (), that repeats instructions. */
function repeated(times: number, code: readonly number[], size: number): Uint8Array<ArrayBuffer> {
  const leb = (value: number) =>
    [0, 7, 14, 21].map((shift) => value >>> shift & 0x7f | (shift < 21 ? 0x80 : 0));
  const head = moduleOf(
    section(1, 1, 0x60, 1, 0x7f, 0),
    section(3, 1, 0),
    section(7, 1, 3, 0x72, 0x75, 0x6e, 0, 0),
    [10, ...leb(size + 5), 1, ...leb(size), 0],
  );
  const bytes = new Uint8Array(head.length - 1 + size).fill(0x01);
  bytes.set(head);
  for (let time = 0; time < times; time++) bytes.set(code, head.length + time * code.length);
  bytes[bytes.length - 1] = 0x0b;
  return bytes;
}

/** (loop (br_if 0 (local.get 0))): ends where the parameter is 0. */
const tightLoop = [0x03, 0x40, 0x20, 0x00, 0x0d, 0x00, 0x0b];
/** V8's limit of the size of a function's body. */
const maxBody = 7_654_321;

/** Room that V8's limit leaves for the checks of a hundred tight loops, by their form. */
for (
  const [form, room, least] of [["unrolled", 50_000, 8000], ["plain", 4000, 1500], [
    "compact",
    1000,
    500,
  ]] as const
) {
  Deno.test(`prepareModule: uses ${form} checks where V8's limit leaves ${room} bytes`, () => {
    const bytes = repeated(100, tightLoop, maxBody - room);
    const prepared = prepareModule(bytes, { steps: true });
    assert(prepared.kind === "prepared");
    const grown = prepared.bytes.length - bytes.length;
    // The functions and imports of the checks have about 200 bytes.
    assert(grown > least && grown < room + 300, `${grown} bytes`);
    let looks = 0;
    const step = () => ++looks > 3 ? -1 : 1_000_000;
    const { run } = instantiate(prepared, { "capsule:prepare": { step, pause: step } });
    run?.();
    looks = 0;
    assert.throws(() => (run as (again: number) => void)(1), WebAssembly.RuntimeError);
    assert.equal(looks, 4);
  });
}

Deno.test("prepareModule: returns a function whose checks exceed V8's limits unprepared", () => {
  for (const [loops, times] of [[1, 1], [1_000_000, 1_000_000]] as const) {
    const large = repeated(times, tightLoop, loops === 1 ? maxBody : 7_000_002);
    assert(WebAssembly.validate(large));
    assert.equal(prepareModule(large, {}).kind, "prepared");
    const result = prepareModule(large, { steps: true });
    assert(result.kind === "unprepared");
    assert.equal(result.unknown.opcode, "");
    assert.match(
      result.unknown.what,
      /^a function that with checks has (7654|1\d\d\d\d)\d+ bytes, more than V8 allows/,
    );
  }

  const locals = `(local ${"i32 ".repeat(49_999)})`;
  const many = compileWat(
    `(module (memory 1) (func (param i32) ${locals}
      (memory.fill (i32.const 0) (i32.const 0) (local.get 0))))`,
  );
  assert(WebAssembly.validate(many));
  const other = prepareModule(many, { steps: true });
  assert(other.kind === "unprepared");
  assert.match(other.unknown.what, /50001 locals/);
});
