import assert from "node:assert/strict";
import type { Value } from "../../../src/component/abi/codec.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import type { Host } from "../../../src/component/instance/host.ts";
import { LiveComponent } from "../../../src/component/instance/live_component.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import { Guest } from "../../../src/wasm/guest.ts";
import { MemoryAccount, MemoryBudget } from "../../../src/wasm/memory_budget.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

const noHost: Host = { function: () => undefined, drop: () => {} };

async function instantiate(text: string, host: Host = noHost): Promise<LiveComponent> {
  const plan = linkComponent(decodeComponent(await buildText(`(component ${text})`)));
  const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
  return new LiveComponent(plan, { modules, host, guest: quietGuest() });
}

function call(component: LiveComponent, name: string, ...args: Value[]): Value {
  const func = component.func(name);
  assert.ok(func, name);
  return func.call(args);
}

/** A module with a memory and an allocator that never frees, and more fields. */
const libc = (fields: string) =>
  `(core module $libc
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 1024))
  (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32)
    (result i32)
    (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get $new))))
  ${fields})
  (core instance $libc (instantiate $libc))`;

const options = `(memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))`;

/** A component that returns the string it gets, in an encoding. */
const echo = (encoding: string) => `
  ${
  libc(`(func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))`)
}
  (func (export "echo") (param "text" string) (result string)
    (canon lift (core func $libc "echo") ${options} string-encoding=${encoding}))`;

const texts = ["", "plain", "Zoë", "👋 hello", "\u00ff", "日本", "x".repeat(1000), "é".repeat(70)];

for (const encoding of ["utf8", "utf16", "latin1+utf16"]) {
  componentTest(`live component: strings pass in and out in ${encoding}`, async () => {
    const component = await instantiate(echo(encoding));
    for (const text of texts) assert.equal(call(component, "echo", text), text);
  });

  componentTest(`live component: ${encoding} strings pass to a component in UTF-8`, async () => {
    const component = await instantiate(`
      (component $echo ${echo("utf8")})
      (instance $echo (instantiate $echo))
      (component $middle
        (import "echo" (func $echo (param "text" string) (result string)))
        ${libc("")}
        (core func $lowered
          (canon lower (func $echo) ${options} string-encoding=${encoding}))
        (core module $m
          (import "a" "echo" (func $echo (param i32 i32 i32)))
          (func (export "echo") (param i32 i32) (result i32)
            (call $echo (local.get 0) (local.get 1) (i32.const 32)) (i32.const 32)))
        (core instance $m
          (instantiate $m (with "a" (instance (export "echo" (func $lowered))))))
        (func (export "echo") (param "text" string) (result string)
          (canon lift (core func $m "echo") ${options} string-encoding=${encoding})))
      (instance $middle (instantiate $middle (with "echo" (func $echo "echo"))))
      (export "echo" (func $middle "echo"))`);
    for (const text of texts) assert.equal(call(component, "echo", text), text);
  });
}

/** A component that makes, counts and drops resources; `last` is the last destroyed one. */
const resources = `
  (core module $state
    (global $last (mut i32) (i32.const 0))
    (func (export "drop") (param i32) (global.set $last (local.get 0)))
    (func (export "last") (result i32) (global.get $last)))
  (core instance $state (instantiate $state))
  (type $r (resource (rep i32) (dtor (core func $state "drop"))))
  (export $r' "r" (type $r))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "c" "new" (func $new (param i32) (result i32)))
    (import "c" "rep" (func $rep (param i32) (result i32)))
    (import "c" "drop" (func $drop (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "read") (param i32) (result i32) (local.get 0))
    (func (export "take") (param i32) (result i32)
      (call $rep (local.get 0)) (call $drop (local.get 0)))
    (func (export "drop-twice") (param i32) (call $drop (local.get 0)) (call $drop (local.get 0))))
  (core instance $m (instantiate $m (with "c" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func (export "make") (param "x" u32) (result (own $r')) (canon lift (core func $m "make")))
  (func (export "read") (param "x" (borrow $r')) (result u32) (canon lift (core func $m "read")))
  (func (export "take") (param "x" (own $r')) (result u32) (canon lift (core func $m "take")))
  (func (export "drop-twice") (param "x" (own $r')) (canon lift (core func $m "drop-twice")))
  (func (export "last") (result u32) (canon lift (core func $state "last")))`;

componentTest("live component: resources are made, borrowed, taken and destroyed", async () => {
  const component = await instantiate(resources);
  const made = call(component, "make", 7);
  assert.equal(call(component, "read", made), 7);
  assert.equal(call(component, "last"), 0);
  assert.equal(call(component, "take", made), 7);
  assert.equal(call(component, "last"), 7);
});

componentTest("live component: a handle dropped twice traps", async () => {
  const component = await instantiate(resources);
  const made = call(component, "make", 7);
  assert.throws(() => call(component, "drop-twice", made), /unknown handle index 1/);
});

componentTest("live component: a trap inside closes the instance to later calls", async () => {
  const component = await instantiate(resources);
  const made = call(component, "make", 7);
  assert.throws(() => call(component, "drop-twice", made), WebAssembly.RuntimeError);
  assert.throws(() => call(component, "last"), /cannot enter component instance/);
});

componentTest("live component: a borrow that the callee keeps traps", async () => {
  const host: Host = { function: () => ({ call: () => ({ name: "file" }) }), drop: () => {} };
  const component = await instantiate(
    `
    (import "file" (type $file (sub resource)))
    (core module $m (func (export "keep") (param i32)))
    (core instance $m (instantiate $m))
    (func (export "keep") (param "f" (borrow $file)) (canon lift (core func $m "keep")))`,
    host,
  );
  assert.throws(() => call(component, "keep", { name: "file" }), /borrow handles still remain/);
});

componentTest("live component: the host gets back the resource it gave, and drops it", async () => {
  const file = { name: "file" };
  const dropped: unknown[] = [];
  const seen: Value[] = [];
  const host: Host = {
    function: ([name = ""]) => ({
      call: name === "open" ? () => file : (value) => void seen.push(value),
    }),
    drop: (resource, rep) => dropped.push(resource.path, rep),
  };
  const component = await instantiate(
    `
    (import "file" (type $file (sub resource)))
    (import "open" (func $open (result (own $file))))
    (import "read" (func $read (param "f" (borrow $file))))
    (core func $open (canon lower (func $open)))
    (core func $read (canon lower (func $read)))
    (core func $drop (canon resource.drop $file))
    (core module $m
      (import "h" "open" (func $open (result i32)))
      (import "h" "read" (func $read (param i32)))
      (import "h" "drop" (func $drop (param i32)))
      (func (export "run") (local $f i32)
        (local.set $f (call $open)) (call $read (local.get $f)) (call $drop (local.get $f))))
    (core instance $m (instantiate $m (with "h" (instance
      (export "open" (func $open)) (export "read" (func $read)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $m "run")))`,
    host,
  );
  call(component, "run");
  assert.deepEqual(seen, [file]);
  assert.deepEqual(dropped, [["file"], file]);
});

componentTest("live component: calling out of realloc traps", async () => {
  const component = await instantiate(
    `
    (import "out" (func $out))
    (core func $out (canon lower (func $out)))
    (core module $m
      (import "h" "out" (func $out))
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $out) (i32.const 8))
      (func (export "take") (param i32 i32)))
    (core instance $m (instantiate $m (with "h" (instance (export "out" (func $out))))))
    (func (export "take") (param "text" string) (canon lift (core func $m "take")
      (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))`,
    { function: () => ({ call: () => undefined }), drop: () => {} },
  );
  assert.throws(() => call(component, "take", "text"), /cannot leave component instance/);
});

for (
  const [title, pointer, message] of [
    ["one past the memory", 131_064, /out of bounds/],
    ["not aligned", 4, /not aligned to 8/],
  ] as const
) {
  componentTest(`live component: a result pointer that is ${title} traps`, async () => {
    const component = await instantiate(`
      (core module $m (memory (export "memory") 2)
        (func (export "f") (result i32) (i32.const ${pointer})))
      (core instance $m (instantiate $m))
      (func (export "f") (result (tuple u64 u64))
        (canon lift (core func $m "f") (memory (core memory $m "memory"))))`);
    assert.throws(() => call(component, "f"), message);
  });
}

for (const [title, handle] of [["an unknown handle", "7"], ["a dropped handle", "(call $make)"]]) {
  componentTest(`live component: no guest catches the trap on ${title}`, async () => {
    const component = await instantiate(`
      (type $r (resource (rep i32)))
      (core func $new (canon resource.new $r))
      (core func $drop (canon resource.drop $r))
      (core module $m
        (import "c" "new" (func $new (param i32) (result i32)))
        (import "c" "drop" (func $drop (param i32)))
        (func $make (result i32) (local $made i32)
          (local.set $made (call $new (i32.const 1)))
          (call $drop (local.get $made))
          (local.get $made))
        (func (export "f") (result i32)
          (block $caught
            (try_table (catch_all $caught) (call $drop ${
      handle === "7" ? "(i32.const 7)" : handle
    }))
            (return (i32.const 0)))
          (i32.const 1)))
      (core instance $m (instantiate $m (with "c" (instance
        (export "new" (func $new)) (export "drop" (func $drop))))))
      (func (export "f") (result u32) (canon lift (core func $m "f")))`);
    assert.throws(() => call(component, "f"), /unknown handle index/);
  });
}

/** A component that makes resources of the host until it traps. */
const hoarder = `
  (import "file" (type $file (sub resource)))
  (import "open" (func $open (result (own $file))))
  (core func $open (canon lower (func $open)))
  (core module $m
    (import "h" "open" (func $open (result i32)))
    (func (export "f") (loop (drop (call $open)) (br 0))))
  (core instance $m (instantiate $m (with "h" (instance (export "open" (func $open))))))
  (func (export "f") (canon lift (core func $m "f")))`;

componentTest("live component: a guest that keeps all handles traps at 2^18", async () => {
  let opened = 0;
  const host: Host = { function: () => ({ call: () => ++opened }), drop: () => {} };
  const component = await instantiate(hoarder, host);
  assert.throws(() => call(component, "f"), /the handle table is full: it has 262144 handles/);
  assert.equal(opened, 2 ** 18 + 1);
});

componentTest(
  "live component: a guest that keeps handles is stopped when the heap is full",
  async () => {
    let opened = 0;
    const host: Host = { function: () => ({ call: () => ++opened }), drop: () => {} };
    const plan = linkComponent(decodeComponent(await buildText(`(component ${hoarder})`)));
    const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
    const budget = new MemoryBudget(1 << 20);
    budget.isHeapFull = () => opened >= 5000;
    const use = { budget, account: new MemoryAccount(budget), fixedBytes: 0, usesHeap: false };
    const sink = { write: () => {}, isTerminal: () => false };
    const guest = new Guest({ stdout: sink, stderr: sink }, { sliceMs: 0, timeoutMs: 0 }, use);
    const component = new LiveComponent(plan, { modules, host, guest });
    assert.throws(() => call(component, "f"), { code: "MEMORY" });
    assert.ok(opened < 7000, `${opened} handles`);
  },
);
