import assert from "node:assert/strict";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat, moduleOf, section } from "./modules.ts";

/**
 * Guests that never end, or not in years, each by another cycle. `PROBE` traps when the host was
 * not asked for long, so that a missing check fails the test instead of hanging it.
 */
const guests: Record<string, string> = {
  "a loop that branches back": `(func (export "run") (loop $l PROBE (br $l)))`,
  "a loop that branches back on a condition":
    `(func (export "run") (loop $l PROBE (br_if $l (i32.const 1))))`,
  "a loop with a parameter":
    `(func (export "run") (i32.const 1) (loop $l (param i32) (drop) PROBE (i32.const 1) (br_if $l (i32.const 1)) (drop)))`,
  "a loop through a table of branches":
    `(func (export "run") (loop $l PROBE (br_table $l $l 0 (i32.const 7))))`,
  "a loop with a check on one side only": `(func (export "run") (loop $l PROBE
    (if (global.get $never) (then (call $host)))
    (br_if $l (i32.const 1))))`,
  "a loop with a check behind a branch over it": `(func (export "run") (loop $l PROBE
    (block $over (br_if $over (i32.eqz (global.get $never))) (call $host))
    (br $l)))`,
  "a loop with a check behind a table of branches over it": `(func (export "run") (loop $l PROBE
    (block $over (br_table $over $over (i32.const 0)) (call $host))
    (br $l)))`,
  "a loop with an inner one that ends at its first iteration":
    `(func (export "run") (loop $outer PROBE
    (loop $inner (br_if $inner (global.get $never)))
    (br $outer)))`,
  "a loop that an exception leads back to": `(func (export "run")
    (loop $l PROBE (try_table (catch $e $l) (call $throw))))`,
  "a loop that an exception leads back to, with a check where none is thrown": `(func (export "run")
    (loop $l PROBE (try_table (catch_all $l) (call $throw) (call $host))))`,
  "a loop around an exception that leads out of a block": `(func (export "run")
    (loop $l PROBE (block $b (try_table (catch_all $b) (call $throw) (call $host))) (br $l)))`,
  "a loop around an exception in the legacy encoding": `(func (export "run")
    (loop $l PROBE (try (do (call $throw) (call $host)) (catch $e) (catch_all)) (br $l)))`,
  "a loop around an exception that the second of two clauses catches":
    `(tag $other) (func (export "run")
    (loop $l PROBE (try (do (call $throw) (call $host)) (catch $other (call $host)) (catch_all)) (br $l)))`,
  "an exception in the legacy encoding in a loop, caught by an outer try": `(func (export "run")
    (loop $l PROBE (try $t (do (try (do (call $throw)) (delegate $t))) (catch_all (br $l)))))`,
  "a function that returns a call of itself": `(func $f (export "run") PROBE (return_call $f))`,
  "two functions that return calls of each other":
    `(func $f (export "run") PROBE (return_call $g)) (func $g (return_call $f))`,
  "a call through a table in place of a return": `(table funcref (elem $f))
    (func $f (export "run") PROBE (return_call_indirect (i32.const 0)))`,
  "a call through a table of a function that only tables reach": `(table funcref (elem $f))
    (func (export "run") (call_indirect (i32.const 0)))
    (func $f PROBE (return_call_indirect (i32.const 0)))`,
  "a call through a table of an exported function that code put there": `(table 1 funcref)
    (func (export "run") (table.set (i32.const 0) (ref.func $f)) (call_indirect (i32.const 0)))
    (func $f (export "f") PROBE (return_call_indirect (i32.const 0)))`,
  "a call through a table by an equal type of another number":
    `(type $a (func)) (type $b (func)) (table funcref (elem $f))
    (func $f (export "run") (type $a) PROBE (return_call_indirect (type $b) (i32.const 0)))`,
  "a call through a table of a function that only a value held":
    `(table 1 funcref) (elem declare func $f)
    (func (export "run") (table.set (i32.const 0) (ref.func $f)) (call $f))
    (func $f PROBE (return_call_indirect (i32.const 0)))`,
  "a recursion that branches": `(func (export "run") (drop (call $fibonacci (i32.const 90))))
    (func $fibonacci (param i32) (result i32) PROBE
      (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (i32.const 1))))
      (i32.add
        (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
        (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))`,
  "a recursion of two that branches, through a table":
    `(table funcref (elem $f)) (type $t (func (param i32)))
    (func (export "run") (call $f (i32.const 90)))
    (func $f (param i32) PROBE
      (if (i32.eqz (local.get 0)) (then (return)))
      (call $g (i32.sub (local.get 0) (i32.const 1))) (call $g (i32.sub (local.get 0) (i32.const 1))))
    (func $g (param i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))`,
  "a recursion through the host": `(func (export "again") (export "run")
    PROBE (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (if (i32.lt_u (global.get $depth) (i32.const 60)) (then (call $host) (call $host)))
    (global.set $depth (i32.sub (global.get $depth) (i32.const 1))))`,
  "a pyramid of calls without any circle": `(func (export "run") (call $f0))
    ${
    Array.from({ length: 30 }, (_, n) =>
      `(func $f${n} ${"(call $f" + (n + 1) + ")".padEnd(1)} ${`(call $f${n + 1})`.repeat(9)})`)
      .join("\n")
  } (func $f30 PROBE)`,
  "a pyramid of calls through a table, each level of another type": `(table funcref (elem ${
    Array.from({ length: 20 }, (_, n) => `$f${n}`).join(" ")
  }))
    (func (export "run") ${callThroughTable(0).repeat(9)})
    ${
    Array.from({ length: 20 }, (_, n) =>
      `(func $f${n} (param ${"i32 ".repeat(n)}) ${
        n < 19 ? callThroughTable(n + 1).repeat(9) : "PROBE"
      })`)
      .join(
        "\n",
      )
  }`,
  "one instruction that fills much memory, in a loop": `(memory 64)
    (func (export "run") (local $n i32)
      (loop $l
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304))
        (if (i32.gt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5000)) (then (unreachable)))
        (br $l)))`,
  "one instruction that fills much of a 64-bit memory, in a loop": `(memory i64 64)
    (func (export "run") (local $n i32)
      (loop $l
        (memory.fill (i64.const 0) (i32.const 1) (i64.const 4194304))
        (if (i32.gt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5000))
          (then (unreachable)))
        (br $l)))`,
  "a spin lock of atomics in a shared memory": `(memory 1 1 shared)
    (func (export "run") (loop $l PROBE
      (br_if $l (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 1) (i32.const 2))))))`,
};

function callThroughTable(level: number): string {
  return `(call_indirect (param ${"i32 ".repeat(level)}) ${
    "(i32.const 0)".repeat(level)
  } (i32.const ${level}))`;
}

/** Text of the probe, and the same in bytes, with the global 0. */
const probe = `(global.set $probes (i32.add (global.get $probes) (i32.const 1)))
  (if (i32.gt_u (global.get $probes) (i32.const 200000)) (then (unreachable)))`;
const probeBytes = [
  ...[0x23, 0, 0x41, 1, 0x6a, 0x24, 0], // probes += 1
  ...[0x23, 0, 0x41, 0xc0, 0x9a, 0x0c, 0x4b], // probes > 200,000
  ...[0x04, 0x40, 0x00, 0x0b], // if unreachable end
];

/** Numbers of the types in `byteGuest`. */
const Type = { functionParam: 1, i31Param: 2, anyParam: 3, bytes: 4 } as const;

/** Bodies that wabt cannot write: type 0 and function 0 are the guest's own. */
const byteGuests: Record<string, readonly number[]> = {
  "a function that returns a call of itself by a reference": [
    ...probeBytes,
    ...[0xd2, 0, 0x15, 0], // (return_call_ref 0 (ref.func 0))
  ],
  "a recursion by a reference that branches": [
    ...probeBytes,
    ...[0x23, 1, 0x41, 1, 0x6a, 0x24, 1], // depth += 1
    ...[0x23, 1, 0x41, 60, 0x49, 0x04, 0x40], // if depth < 60
    ...[0xd2, 0, 0x14, 0, 0xd2, 0, 0x14, 0], // (call_ref 0 (ref.func 0)), twice
    ...[0x0b, 0x23, 1, 0x41, 1, 0x6b, 0x24, 1], // end, depth -= 1
  ],
  "a loop that br_on_null leads back to": [
    ...[0x03, 0x40, ...probeBytes],
    ...[0xd0, 0x70, 0xd5, 0, 0x1a, 0x0b], // (br_on_null 0 (ref.null func)) drop end
  ],
  "a loop that br_on_non_null leads back to": [
    ...[0xd2, 0, 0x03, Type.functionParam, 0x1a, ...probeBytes],
    ...[0xd2, 0, 0xd6, 0, 0x0b], // (br_on_non_null 0 (ref.func 0)) end
  ],
  "a loop that br_on_cast leads back to": [
    ...[0x41, 0, 0xfb, 0x1c, 0x03, Type.i31Param, 0x1a, ...probeBytes],
    ...[0x41, 0, 0xfb, 0x1c], // (ref.i31 (i32.const 0))
    ...[0xfb, 0x18, 3, 0, 0x6e, 0x6c, 0x1a, 0x0b], // br_on_cast 0 anyref i31ref drop end
  ],
  "a loop that br_on_cast_fail leads back to": [
    ...[0x41, 0, 0xfb, 0x1c, 0x03, Type.anyParam, 0x1a, ...probeBytes],
    ...[0x41, 0, 0xfb, 0x1c], // (ref.i31 (i32.const 0))
    ...[0xfb, 0x19, 3, 0, 0x6e, 0x6b, 0x1a, 0x0b], // br_on_cast_fail 0 anyref structref drop end
  ],
  "one instruction that fills a large array, in a loop": [
    ...[0x03, 0x40],
    ...[0x23, 1, 0x41, 1, 0x6a, 0x24, 1], // depth += 1
    ...[0x23, 1, 0x41, 0xc0, 0x9a, 0x0c, 0x4b, 0x04, 0x40, 0x00, 0x0b], // trap after 200,000
    ...[0x41, 0x80, 0x80, 0x04, 0xfb, 0x07, Type.bytes, 0x1a], // array.new_default of 65,536
    ...[0x0c, 0, 0x0b],
  ],
};

function byteGuest(body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0, ...body, 0x0b];
  return moduleOf(
    section(
      1,
      ...[5, 0x60, 0, 0], // () -> ()
      ...[0x60, 1, 0x64, 0, 0], // ((ref 0)) -> ()
      ...[0x60, 1, 0x6c, 0], // (i31ref) -> ()
      ...[0x60, 1, 0x6e, 0], // (anyref) -> ()
      ...[0x5e, 0x78, 1], // (array (mut i8))
    ),
    section(3, 1, 0),
    section(6, 2, 0x7f, 1, 0x41, 0, 0x0b, 0x7f, 1, 0x41, 0, 0x0b),
    section(7, 2, 3, 0x72, 0x75, 0x6e, 0, 0, 6, ...new TextEncoder().encode("probes"), 3, 0),
    section(9, 1, 3, 0, 1, 0),
    section(10, 1, code.length, ...code),
  );
}

function textGuest(text: string): Uint8Array<ArrayBuffer> {
  return compileWat(`(module
    (import "env" "host" (func $host))
    (tag $e)
    (global $probes (export "probes") (mut i32) (i32.const 0))
    (global $never (mut i32) (i32.const 0))
    (global $depth (mut i32) (i32.const 0))
    ${text.replaceAll("PROBE", probe)}
    (func $throw (throw $e)))`);
}

for (
  const [name, bytes] of [
    ...Object.entries(guests).map(([name, text]) => [name, () => textGuest(text)] as const),
    ...Object.entries(byteGuests).map(([name, body]) => [name, () => byteGuest(body)] as const),
  ]
) {
  Deno.test(`steps: asks the host again and again in ${name}`, () => {
    const prepared = prepareModule(bytes(), { steps: true });
    assert(prepared.kind === "prepared");
    let looks = 0;
    const step = () => {
      (exports.probes as WebAssembly.Global).value = 0;
      return ++looks > 100 ? -1 : 10_000;
    };
    const host = () => (exports.again as (() => void) | undefined)?.();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared.bytes), {
      env: { host },
      "capsule:prepare": { step, pause: () => -1 },
    });
    // A host that throws could be caught by the guest; a negative number cannot.
    assert.throws(() => (exports.run as () => void)(), WebAssembly.RuntimeError);
    assert.equal(looks, 101);
  });
}

Deno.test("steps: an instruction that makes an array of more than 2²⁴ elements traps", () => {
  // (func (export "run") (param i32) (drop (array.new_default $bytes (local.get 0))))
  const code = [0, 0x20, 0, 0xfb, 0x07, 1, 0x1a, 0x0b];
  const bytes = moduleOf(
    section(1, 2, 0x60, 1, 0x7f, 0, 0x5e, 0x78, 1),
    section(3, 1, 0),
    section(7, 1, 3, 0x72, 0x75, 0x6e, 0, 0),
    section(10, 1, code.length, ...code),
  );
  const prepared = prepareModule(bytes, { steps: true });
  assert(prepared.kind === "prepared");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared.bytes), {
    "capsule:prepare": { step: () => 1000, pause: () => -1 },
  });
  const run = exports.run as (length: number) => void;
  run(2 ** 24);
  for (const length of [2 ** 24 + 1, -1]) {
    assert.throws(() => run(length), /unreachable/, String(length));
  }
});
