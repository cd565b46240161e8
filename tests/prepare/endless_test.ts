import assert from "node:assert/strict";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat } from "./modules.ts";

/**
 * Guests that never end, or not in this life, each by another way round. `PROBE` traps when the host has not looked for
 * a long time, so that a missing check fails the test and does not hang it.
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
  "a loop with another in it that ends at once": `(func (export "run") (loop $outer PROBE
    (loop $inner (br_if $inner (global.get $never)))
    (br $outer)))`,
  "a loop that an exception leads back to": `(func (export "run")
    (loop $l PROBE (try_table (catch $e $l) (call $throw))))`,
  "a loop that an exception leads back to, with a check where none is thrown": `(func (export "run")
    (loop $l PROBE (try_table (catch_all $l) (call $throw) (call $host))))`,
  "a loop around an exception that leads out of a block": `(func (export "run")
    (loop $l PROBE (block $b (try_table (catch_all $b) (call $throw) (call $host))) (br $l)))`,
  "a loop around an exception of the older sort": `(func (export "run")
    (loop $l PROBE (try (do (call $throw) (call $host)) (catch $e) (catch_all)) (br $l)))`,
  "a loop around an exception that the second of two clauses catches":
    `(tag $other) (func (export "run")
    (loop $l PROBE (try (do (call $throw) (call $host)) (catch $other (call $host)) (catch_all)) (br $l)))`,
  "an exception of the older sort in a loop, caught by an outer try": `(func (export "run")
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
};

function callThroughTable(level: number): string {
  return `(call_indirect (param ${"i32 ".repeat(level)}) ${
    "(i32.const 0)".repeat(level)
  } (i32.const ${level}))`;
}

const probe = `(global.set $probes (i32.add (global.get $probes) (i32.const 1)))
  (if (i32.gt_u (global.get $probes) (i32.const 200000)) (then (unreachable)))`;

for (const [name, text] of Object.entries(guests)) {
  Deno.test(`the host is asked again and again while a guest is in ${name}`, () => {
    const bytes = compileWat(`(module
      (import "env" "host" (func $host))
      (tag $e)
      (global $probes (export "probes") (mut i32) (i32.const 0))
      (global $never (mut i32) (i32.const 0))
      (global $depth (mut i32) (i32.const 0))
      ${text.replaceAll("PROBE", probe)}
      (func $throw (throw $e)))`);
    const prepared = prepareModule(bytes, { steps: true });
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
