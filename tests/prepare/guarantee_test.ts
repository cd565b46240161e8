import assert from "node:assert/strict";
import fc from "fast-check";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat } from "./modules.ts";

/** Steps that the host returns at a time. */
const budget = 1000;

/**
 * How many probes a guest may pass between two looks of the host. A probe is eleven instructions at
 * least, so the steps are worth 91; what callers have paid for in advance comes on top.
 */
const maxProbes = 400;

/** Number of looks after which the host stops the guest. */
const maxLooks = 200;

/** A random bit of the guest's own. */
const bit = `(i32.and (i32.shr_u (global.get $random) (i32.const 13)) (i32.const 1))`;
const roll =
  `(global.set $random (i32.add (i32.mul (global.get $random) (i32.const 1664525)) (i32.const 1013904223)))`;

/** Traps when the host was not asked for too long. */
const probe = `(global.set $probes (i32.add (global.get $probes) (i32.const 1)))
  (if (i32.gt_u (global.get $probes) (i32.const ${maxProbes})) (then (unreachable))) ${roll}`;

const functions = 4;

/** Makes a statement inside that number of labels. */
type Statement = (labels: number) => string;

const label = fc.nat(20);
const callee = fc.nat(functions - 1);
const pick = (n: number, labels: number) => n % labels;

const { body } = fc.letrec<{ body: Statement; statement: Statement }>((tie) => ({
  body: fc.array(tie("statement"), { maxLength: 4, size: "max" }).map(
    (statements) => (labels: number) =>
      `${probe} ${statements.map((statement) => statement(labels)).join("\n")}`,
  ),
  statement: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    label.map((to) => (labels: number) => `(br_if ${pick(to, labels)} ${bit})`),
    callee.map((index) => () => `(call $f${index})`),
    callee.map((index) => () => `(if ${bit} (then (call $f${index})))`),
    callee.map((index) => () => `(if ${bit} (then (return_call $f${index})))`),
    fc.constant(() => `(call_indirect (i32.and (global.get $random) (i32.const 3)))`),
    fc.constant(() =>
      `(if ${bit} (then (return_call_indirect (i32.and (global.get $random) (i32.const 3)))))`
    ),
    fc.constant(() => `(if ${bit} (then (throw $e)))`),
    fc.constant(() => `(call $host)`),
    fc.constant(() => `(if ${bit} (then (return)))`),
    fc.tuple(label, label, label).map((to) => (labels: number) =>
      `(if ${bit} (then (br_table ${
        to.map((n) => pick(n, labels + 1)).join(" ")
      } (i32.and (global.get $random) (i32.const 3)))))`
    ),
    label.map((to) => (labels: number) => `(if ${bit} (then (br ${pick(to, labels) + 1})))`),
    tie("body").map((inside) => (labels: number) => `(block ${inside(labels + 1)})`),
    tie("body").map((inside) => (labels: number) => `(loop ${inside(labels + 1)})`),
    tie("body").map((inside) => (labels: number) =>
      `(loop ${inside(labels + 1)} (br_if 0 ${bit}))`
    ),
    tie("body").map((inside) => (labels: number) => `(loop ${inside(labels + 1)} (br 0))`),
    // A branch to a loop with a parameter needs an operand: only its own branch has one.
    tie("body").map((inside) => () =>
      `(i32.const 3) (loop (param i32) (drop) (block ${
        inside(1)
      }) (i32.const 4) (br_if 0 ${bit}) (drop))`
    ),
    fc.tuple(tie("body"), tie("body")).map(([yes, no]) => (labels: number) =>
      `(if ${bit} (then ${yes(labels + 1)}) (else ${no(labels + 1)}))`
    ),
    fc.tuple(label, tie("body")).map(([to, inside]) => (labels: number) =>
      `(try_table (catch_all ${pick(to, labels)}) ${inside(labels + 1)})`
    ),
  ),
}));

function moduleText(bodies: readonly Statement[]): string {
  return `(module
    (import "env" "host" (func $host))
    (tag $e)
    (table funcref (elem $f0 $f1 $f2 $f3))
    (global $random (mut i32) (i32.const 1))
    (global $probes (export "probes") (mut i32) (i32.const 0))
    ${
    bodies.map((body, index) => `(func $f${index} (export "f${index}") ${body(1)})`).join("\n")
  })`;
}

Deno.test("steps: any guest comes to a check before it has run long", () => {
  const seen = new Map<string, number>();
  const property = fc.property(
    fc.tuple(...Array.from({ length: functions }, () => body)),
    fc.integer(),
    (bodies, seed) => {
      const text = moduleText(bodies);
      const bytes = compileWat(text);
      const prepared = prepareModule(bytes, { steps: true, exportGlobals: true });
      assert(prepared.kind === "prepared");
      const end = run(prepared.bytes, seed);
      assert.notEqual(end, "too long", text);
      seen.set(end, (seen.get(end) ?? 0) + 1);
    },
  );
  fc.assert(property, { numRuns: 400 });
  // The test proves something only if some guests never end and some return.
  for (const end of ["stopped", "returned"]) {
    assert((seen.get(end) ?? 0) > 20, `${end}: ${seen.get(end)}`);
  }
});

function run(bytes: Uint8Array<ArrayBuffer>, seed: number): string {
  let looks = 0;
  let depth = 0;
  const step = () => {
    probes.value = 0;
    return ++looks > maxLooks ? -1 : budget;
  };
  const host = () => {
    if (depth > 3) return;
    depth++;
    try {
      (exports.f0 as () => void)();
    } finally {
      depth--;
    }
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { host },
    "capsule:prepare": { step, pause: () => budget },
  });
  const { exports } = instance;
  const probes = exports.probes as WebAssembly.Global;
  (exports["capsule:prepare:global:0"] as WebAssembly.Global).value = seed;
  try {
    (exports.f0 as () => void)();
    return "returned";
  } catch (error) {
    if (error instanceof RangeError) return "stack";
    if (looks > maxLooks) return "stopped";
    assert(
      !(error instanceof WebAssembly.RuntimeError),
      `ran for too long without a look (${probes.value} probes)`,
    );
    return "thrown";
  }
}
