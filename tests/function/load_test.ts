import assert from "node:assert/strict";
import { loadModule } from "../../src/function/load.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat } from "../prepare/modules.ts";
import { guestModule, serveModule } from "../testing/function.ts";

/** A handler that returns the 17 bytes at 16: `[BODY]ok[HEADERS]`. */
const handler = `
  (data (i32.const 16) "[BODY]ok[HEADERS]")
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
  (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (i64.const 0x1000000011))`;
const memory = `(memory (export "memory") 2)`;

async function refusal(bytes: Uint8Array<ArrayBuffer>, flags: string[] = []): Promise<string> {
  try {
    await using _ = await serveModule(bytes, flags);
  } catch (error) {
    assert.ok(error instanceof Error && error.name === "CapsuleError", String(error));
    return error.message;
  }
  return "nothing was refused";
}

Deno.test("load: serves a handler written in WebAssembly text", async () => {
  await using served = await serveModule(compileWat(`(module ${memory} ${handler})`));
  assert.equal(await served.post(""), "ok");
});

const refused: [what: string, text: string, message: RegExp][] = [
  [
    "the core module of a component",
    `(module (memory (export "memory") 1) (func (export "wasi:http/incoming-handler@0.2.0#handle")))`,
    /is the core module of a component, to which "wasi:http\/incoming-handler@0\.2\.0#handle" belongs: build it for wasm32-wasip2/,
  ],
  [
    "memory that is not exported",
    `(module (memory 2) ${handler})`,
    /does not export its memory under the name "memory"/,
  ],
  [
    "no handler",
    `(module ${memory})`,
    /neither a function nor a program: it does not export "callHandleHttp".*, nor "_start", with which/,
  ],
  [
    "only the other handler",
    `(module ${memory} (func (export "callHandle") (param i32 i32) (result i64) (i64.const 0)))`,
    /does not export "callHandleHttp".*it can be used with -mode=cli/,
  ],
  [
    "a handler of a later Capsule, which also has _start",
    `(module ${memory} (func (export "_start")) (func (export "callHandleHTTP") (param i32 i32) (result i64) (i64.const 0)))`,
    /does not export "callHandleHttp", .*: its "callHandleHTTP" is a handler of a later Capsule$/,
  ],
  [
    "a program's start and no memory",
    `(module (func (export "_start")))`,
    /does not export its memory/,
  ],
  [
    "a program's start, a host function and nowhere for its result",
    `(module (import "env" "hostPing" (func (param i32 i32 i32 i32))) ${memory} (func (export "_start")))`,
    /does not export "allocateBuffer"/,
  ],
  [
    "an import that the older WASI does not have",
    `(module (import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32))) ${memory} ${handler})`,
    /"wasi_unstable\.sock_accept".*has no such function/,
  ],
  [
    "no allocateBuffer",
    `(module ${memory} (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (i64.const 0)))`,
    /does not export "allocateBuffer"/,
  ],
  [
    "an import of a later Capsule",
    `(module (import "env" "hostMemorySet" (func (param i32 i32))) ${memory} ${handler})`,
    /imports the function "env\.hostMemorySet", which nothing provides: .*later Capsule/,
  ],
  [
    "an import for browsers",
    `(module (import "gojs" "runtime.ticks" (func (result f64))) ${memory} ${handler})`,
    /"gojs\.runtime\.ticks".*-target wasi/,
  ],
  [
    "an import that is not a function",
    `(module (import "env" "table" (table 1 funcref)) ${memory} ${handler})`,
    /imports the table "env\.table"/,
  ],
  [
    "a start with more memory than -maxMemory",
    `(module (memory (export "memory") 5000) ${handler})`,
    /maxMemory|maximum|5000/,
  ],
  [
    "a start section that traps",
    `(module ${memory} ${handler} (func $trap unreachable) (start $trap))`,
    /^guest\.wasm cannot be instantiated: unreachable/,
  ],
  [
    "a start section that throws",
    `(module ${memory} ${handler} (tag $e) (func $throw (throw $e)) (start $throw))`,
    /^guest\.wasm cannot be instantiated: /,
  ],
  [
    "a start section that exits",
    `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
       ${memory} ${handler} (func $end (call $exit (i32.const 3))) (start $end))`,
    /^guest\.wasm: its start section ended with exit code 3/,
  ],
  [
    "a data segment out of bounds",
    `(module ${memory} ${handler} (data (i32.const 999999) "x"))`,
    /^guest\.wasm cannot be instantiated: .*data segment/,
  ],
  [
    "an exit code at start",
    `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) ${memory} ${handler}
       (func (export "_start") (call $exit (i32.const 3)) (unreachable)))`,
    /_start ended with exit code 3/,
  ],
];

for (const [what, text, message] of refused) {
  Deno.test(`load: refuses a module with ${what}`, async () => {
    assert.match(await refusal(compileWat(text)), message);
  });
}

Deno.test("load: serves a module that imports wasi_unstable", async () => {
  const text =
    `(module (import "wasi_unstable" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_unstable" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))
      (import "wasi_unstable" "path_filestat_get" (func (param i32 i32 i32 i32 i32) (result i32)))
      ${memory} ${
      handler.replace(
        "(i64.const 0x1000000011))",
        "(drop (call $random (i32.const 0) (i32.const 8))) (i64.const 0x1000000011))",
      )
    })`;
  await using served = await serveModule(compileWat(text));
  assert.equal(await served.post(""), "ok");
});

Deno.test("load: serves a module whose start section exceeds a slice", async () => {
  const text = `(module ${memory} ${handler}
    (func $long (local i32) (loop $again
      (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 30000000)))))
    (start $long))`;
  await using served = await serveModule(compileWat(text), ["-slice=1ms"]);
  assert.equal(await served.post(""), "ok");
});

Deno.test("load: refuses bytes that are not a module, or part of one", async () => {
  const whole = await guestModule("counter");
  assert.match(
    await refusal(new TextEncoder().encode("GIF89a") as Uint8Array<ArrayBuffer>),
    /guest\.wasm/,
  );
  for (const length of [8, 100, 5000, whole.length - 1]) {
    assert.match(await refusal(whole.slice(0, length)), /^guest\.wasm/, String(length));
  }
});

Deno.test("load: a module with a shared memory and atomics is metered like any other", async () => {
  const text = `(module (memory (export "memory") 2 2 shared) ${
    handler.replace(
      "(i64.const 0x1000000011))",
      `
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
      (br_if $again (local.get 1)))
    (i64.const 0x1000000011))`,
    )
  })`;
  await using served = await serveModule(compileWat(text), ["-timeout=100ms"]);
  assert.equal(await served.post(""), "ok");
  assert.match(await served.post("endless"), /"code":"TIMEOUT"/);
  assert.equal(await served.post(""), "ok");
  assert.doesNotMatch(served.output().stderr, /warning/);
});

Deno.test("load: a wait for another thread ends with its timeout or the call's", async () => {
  const text = `(module (memory (export "memory") 2 2 shared) ${
    handler.replace(
      "(i64.const 0x1000000011))",
      `
    (if (i32.ne (i32.const 2)
        (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000000)))
      (then (unreachable)))
    (if (i32.ne (i32.const 1)
        (memory.atomic.wait64 (i32.const 0) (i64.const 7) (i64.const -1)))
      (then (unreachable)))
    (if (local.get 1)
      (then (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
    (i64.const 0x1000000011))`,
    )
  })`;
  await using served = await serveModule(compileWat(text), ["-timeout=300ms"]);
  assert.equal(await served.post(""), "ok");
  const [waiting, other] = await Promise.all([served.post("endless"), served.post("")]);
  assert.match(waiting, /"code":"TIMEOUT"/);
  assert.equal(other, "ok");
});

/** A valid module, one function of which exceeds V8's limit of locals with a check in it. */
const tooLarge = `(module ${memory} ${handler}
  (func (param i32) (local ${"i32 ".repeat(49_999)})
    (memory.fill (i32.const 0) (i32.const 0) (local.get 0))))`;

Deno.test("load: a global keeps the bits of its NaN over a reset", async () => {
  const text = `(module ${memory}
    (global $single (mut f32) (f32.const nan:0x200001))
    (global $double (mut f64) (f64.const -nan:0x4000000000001))
    ${
    handler.replace(
      "(i64.const 0x1000000011))",
      `
    (if (i32.ne (i32.reinterpret_f32 (global.get $single)) (i32.const 0x7fa00001))
      (then (unreachable)))
    (if (i64.ne (i64.reinterpret_f64 (global.get $double)) (i64.const 0xfff4000000000001))
      (then (unreachable)))
    (global.set $single (f32.const 1)) (global.set $double (f64.const 1))
    (i64.const 0x1000000011))`,
    )
  })`;
  await using served = await serveModule(compileWat(text));
  for (let call = 0; call < 3; call++) assert.equal(await served.post(""), "ok");
});

Deno.test("load: a start section that does not end is stopped at the deadline", async () => {
  const text = `(module ${memory} ${handler} (func $endless (loop $l (br $l))) (start $endless))`;
  assert.match(await refusal(compileWat(text), ["-timeout=100ms"]), /'-timeout' allows 100 ms/);
});

Deno.test("load: a module whose limits cannot be enforced is refused without -unlimited", async () => {
  const bytes = compileWat(tooLarge);
  const unprepared = prepareModule(bytes, { steps: true });
  assert(unprepared.kind === "unprepared");
  assert.equal(
    await refusal(bytes),
    "guest.wasm: its limits cannot be enforced because of a function that with checks has 50001 " +
      "locals, more than V8 allows, at offset 0x" + unprepared.unknown.offset.toString(16) +
      "; -unlimited runs it without any",
  );
  await using served = await serveModule(bytes, ["-unlimited"]);
  assert.equal(await served.post(""), "ok");
  assert.match(
    served.output().stderr,
    /warning: guest\.wasm: its limits cannot be enforced.*it runs without -timeout, -slice and -maxMemory/,
  );
});

Deno.test("load: an instruction that V8 does not know is refused with V8's reason", async () => {
  const bytes = compileWat(`(module ${memory} ${handler} (func (nop) (nop) (nop)))`);
  const at = bytes.findLastIndex((byte, index) => byte === 1 && bytes[index + 1] === 1);
  bytes[at] = 0xe0; // cont.new
  assert.match(
    await refusal(bytes),
    /guest\.wasm is not a valid WebAssembly module: .*Invalid opcode 0xe0/,
  );
});

Deno.test("load: state that cannot be reset means a new instance for each call", async () => {
  // A v128 global counts the calls, and the handler returns the count.
  const text = `(module ${memory}
    (global $count (mut v128) (v128.const i32x4 48 0 0 0))
    (data (i32.const 16) "[BODY]x[HEADERS]")
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (global.set $count (i32x4.add (global.get $count) (v128.const i32x4 1 0 0 0)))
      (i32.store8 (i32.const 22) (i32x4.extract_lane 0 (global.get $count)))
      (i64.const 0x1000000010)))`;
  await using served = await serveModule(compileWat(text));
  for (let i = 0; i < 3; i++) assert.equal(await served.post(""), "1");
  assert.equal(served.called.figures.instances, 0);
});

Deno.test("call: a pointer outside of its memory is the guest's trap", async () => {
  const outside = handler.replace("0x1000000011", "0x7fffffff00000011");
  await using served = await serveModule(compileWat(`(module ${memory} ${outside})`));
  const response = await served.handle(new Request("http://test/"));
  assert.equal(response.status, 500);
  assert.match(
    (await response.json()).message,
    /result lies outside the guest's memory: 17 bytes at 2147483647/,
  );
});

Deno.test("call: endless recursion is a trap, and the next call works", async () => {
  const text = `(module ${memory} ${
    handler.replace(
      '(func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)',
      `
    (func $deep (param i32) (result i32) (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (if (i32.gt_u (local.get 1) (i32.const 0)) (then (drop (call $deep (i32.const 0)))))`,
    )
  })`;
  await using served = await serveModule(compileWat(text));
  for (let i = 0; i < 3; i++) {
    assert.match(await served.post("deep"), /"code":"TRAP"/);
    assert.equal(await served.post(""), "ok");
  }
});

Deno.test("call: a guest that runs bulk instructions only is stopped at its deadline", async () => {
  const text = `(module (memory (export "memory") 1000) ${
    handler.replace(
      "(i64.const 0x1000000011))",
      `
    (loop $again (memory.fill (i32.const 65536) (i32.const 1) (i32.const 60000000)) (br $again)) (i64.const 0))`,
    )
  })`;
  await using served = await serveModule(compileWat(text), ["-timeout=50ms"]);
  assert.match(await served.post(""), /"code":"TIMEOUT"/);
});

Deno.test("load: refuses reserved names for a single call, too", async () => {
  const text =
    `(module (import "capsule:prepare" "step" (func (result i32))) ${memory} ${handler})`;
  const load = loadModule(compileWat(text), {
    name: "guest.wasm",
    mode: "cli",
    maxMemoryBytes: 2 ** 20,
    steps: false,
    manyCalls: false,
    reuse: false,
    unlimited: false,
    warn: assert.fail,
  });
  await assert.rejects(load, {
    code: "LOAD",
    message: /^guest\.wasm: .*names that begin with 'capsule:prepare' belong to the launcher/,
  });
});
