import assert from "node:assert/strict";
import { type PreparedModule, prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat, patientHost } from "./modules.ts";

type Run = (...args: number[]) => number;

function prepareText(text: string): PreparedModule {
  const result = prepareModule(compileWat(`(module ${text})`), { steps: true });
  assert(result.kind === "prepared");
  return result;
}

function instantiate(
  prepared: PreparedModule,
  host: object = patientHost(),
): { run: Run; counter: WebAssembly.Global } {
  const imports = { "capsule:prepare": host as WebAssembly.ModuleImports };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared.bytes), imports);
  return {
    run: exports.run as Run,
    counter: exports[prepared.counterExport ?? ""] as WebAssembly.Global,
  };
}

/** Returns the steps of one call whose counter does not run out. */
function stepsOf(text: string, ...args: number[]): number {
  const { run, counter } = instantiate(prepareText(text));
  counter.value = 0x7fffffff;
  run(...args);
  return 0x7fffffff - counter.value;
}

Deno.test("steps: code that ends soon pays nothing and is not changed", () => {
  const bytes = compileWat(`(module
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "run") (param i32) (result i32)
      (block (loop (br_if 1 (local.get 0)))) (call $leaf (call $leaf (local.get 0)))))`);
  const prepared = prepareModule(bytes, { steps: true });
  assert(prepared.kind === "prepared");
  assert.deepEqual(prepared.bytes, bytes);
  assert.equal(prepared.counterExport, undefined);
});

const countdown = `(func (export "run") (param i32) (result i32)
  (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))`;

Deno.test("steps: a short loop pays at every eighth iteration, and nothing before", () => {
  assert.equal(stepsOf(countdown, 1), 0);
  assert.equal(stepsOf(countdown, 8), 0);
  const eight = stepsOf(countdown, 9);
  // Eight times five instructions, and three more on the longest path: out of the loop.
  assert(eight >= 40 && eight <= 80, `${eight} steps`);
  assert.equal(stepsOf(countdown, 8001), 1000 * eight);
});

Deno.test("steps: a loop that is not short pays for each iteration", () => {
  const loop = countdown.replace(
    "(loop $l",
    `(loop $l ${"(local.set 0 (local.get 0))".repeat(20)}`,
  );
  assert.equal(stepsOf(loop, 1), 0);
  const one = stepsOf(loop, 2);
  assert(one >= 45 && one <= 50, `${one} steps`);
  assert.equal(stepsOf(loop, 1001), 1000 * one);
});

Deno.test("steps: a recursion pays where it goes deeper, and its leaves pay nothing", () => {
  const fibonacci = `(func $f (export "run") (param i32) (result i32)
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
    (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 2)))))`;
  assert.equal(stepsOf(fibonacci, 1), 0);
  const one = stepsOf(fibonacci, 2);
  // fibonacci(20) has 10,945 calls that go deeper and 10,946 leaves.
  assert.equal(stepsOf(fibonacci, 20), 10_945 * one);
});

const nops = "(nop)".repeat(50);
/** Returns a loop with as many iterations as the first parameter. */
const round = (inside: string) =>
  `(loop $l ${inside} (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))`;

for (
  const [name, text] of Object.entries({
    "in a loop": `(func (export "run") (param i32) ${round(nops)})`,
    "in a function that a loop calls": `(func $f ${nops}) (func (export "run") (param i32) ${
      round("(call $f)")
    })`,
    "behind a table call": `(table funcref (elem $f)) (func $f ${nops})
      (func (export "run") (param i32) ${round("(call_indirect (i32.const 0))")})`,
    "behind a table call that leads back to the function that makes it":
      `(type $t (func (param i32)))
      (table funcref (elem $run $leaf)) (func $leaf (type $t))
      (func $run (export "run") (param i32) ${nops}
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (call_indirect (type $t) (local.get 0) (i32.eqz (local.get 0))))`,
    "on one way through a loop": `(func (export "run") (param i32) ${
      round(`(if (local.get 0) (then ${nops}) (else (nop)))`)
    })`,
    "before a branch over dead code": `(func (export "run") (param i32) ${
      round(`(block $b ${nops} (br $b) (unreachable))`)
    })`,
    "before a table of branches": `(func (export "run") (param i32)
      ${round(`(block $b (block $c ${nops} (br_table $b $c (i32.const 0))) (nop))`)})`,
    "before a check that a loop relies on": `(table funcref (elem $again))
      (func $again (param i32) (if (local.get 0) (then (call_indirect (param i32) (i32.const 0) (i32.const 0)))))
      (func (export "run") (param i32)
        ${round(`${nops} (call_indirect (param i32) (i32.const 0) (i32.const 0))`)})`,
    "in an outer loop that relies on a check in an inner one": `(table funcref (elem $again))
      (func $again (param i32) (if (local.get 0) (then (call_indirect (param i32) (i32.const 0) (i32.const 0)))))
      (func (export "run") (param i32) (local i32)
        ${
      round(`${nops} (loop $m
          (call_indirect (param i32) (i32.const 0) (i32.const 0))
          (br_if $m (local.get 1)))`)
    })`,
    "before a throw": `(tag $e) (func (export "run") (param i32)
      ${round(`(block $b (try_table (catch $e $b) ${nops} (throw $e)))`)})`,
    "before a throw, in the older encoding": `(tag $e) (func (export "run") (param i32)
      ${round(`(try (do ${nops} (throw $e)) (catch $e))`)})`,
    "in a handler": `(tag $e) (func $throw (throw $e))
      (func $f (try (do (call $throw) (return)) (catch $e ${nops})))
      (func (export "run") (param i32) ${round("(call $f)")})`,
    "in a handler outside of a block": `(tag $e) (func $throw (throw $e))
      (func $f (block $b (try_table (catch_all $b) (call $throw)) (return)) ${nops})
      (func (export "run") (param i32) ${round("(call $f)")})`,
    "in the rounds of a short loop before its first check": `(func $f (local i32)
        (loop $s ${
      "(nop)".repeat(15)
    } (br_if $s (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 4)))))
      (func (export "run") (param i32) ${round("(call $f)")})`,
    "behind a call in place of a return": `(func $f ${nops}) (func $g (return_call $f))
      (func (export "run") (param i32) ${round("(call $g)")})`,
  })
) {
  Deno.test(`steps: the counter keeps up with instructions ${name}`, () => {
    const steps = stepsOf(text, 1000);
    // A throw costs a thousand.
    const [least, most] = text.includes("throw") ? [1050, 4000] : [50, 200];
    assert(steps >= 999 * least && steps <= 1000 * most, `${steps / 1000} steps a round`);
  });
}

Deno.test("steps: a bulk instruction pays for its length only when it is long", () => {
  const fill = `(memory 64) (func (export "run") (param i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (local.get 0)) (i32.load8_u (i32.const 9)))`;
  assert.equal(stepsOf(fill, 4096), 0);
  assert.equal(stepsOf(fill, 4194304), 4194304 / 64);
  const constant = compileWat(
    `(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 7) (i32.const 64))))`,
  );
  assert.deepEqual(prepareModule(constant, { steps: true }).bytes, constant);
});

Deno.test("steps: step is called when the counter runs out, and returns the new one", () => {
  const given: number[] = [];
  const { run, counter } = instantiate(prepareText(countdown), {
    step: () => {
      given.push(counter.value);
      return 5000;
    },
    pause: () => assert.fail("pause is only called after a 0"),
  });
  // The counter is 0 at first: the first check asks.
  assert.equal(run(1000), 0);
  assert(given.every((value) => value < 0 && value > -100), `${given}`);
  const steps = stepsOf(countdown, 1000);
  assert(
    given.length >= steps / 5050 && given.length <= steps / 5000 + 1,
    `${given.length} times in ${steps} steps`,
  );
});

Deno.test("steps: a guest pauses when step returns 0, and continues with what pause returns", async () => {
  const { Suspending, promising } = WebAssembly as unknown as {
    Suspending: new (call: () => Promise<number>) => object;
    promising: (call: Run) => (...args: number[]) => Promise<number>;
  };
  let paused = 0;
  const pause = async () => {
    paused++;
    await Promise.resolve();
    return 1000;
  };
  const { run } = instantiate(prepareText(countdown), {
    step: () => 0,
    pause: new Suspending(pause),
  });
  const others = promising(run)(10_000).then((result) => `it gave ${result}`);
  assert.equal(await others, "it gave 0");
  assert(paused >= 30, `${paused} pauses`);
});

Deno.test("steps: an error of step ends the call, and the instance can be called again", () => {
  let isOver = true;
  const step = () => {
    if (isOver) throw new Error("the deadline has passed");
    return 100_000;
  };
  const { run } = instantiate(prepareText(countdown), { step, pause: () => 1 });
  assert.throws(() => run(1_000_000), { message: "the deadline has passed" });
  isOver = false;
  assert.equal(run(1_000_000), 0);
});

Deno.test("steps: a number below 0 stops a guest that catches everything", () => {
  const catcher = `(func (export "run") (result i32)
    (loop $l (try_table (catch_all $l) (loop $m (br $m)))) (unreachable))`;
  const answers = [100, 0, -1];
  const step = () => answers.shift() ?? assert.fail("step was called after the end");
  const { run } = instantiate(prepareText(catcher), { step, pause: () => 50 });
  assert.throws(() => run(), { name: "RuntimeError", message: "unreachable" });
  assert.throws(() => instantiate(prepareText(catcher), { step: () => 0, pause: () => -1 }).run(), {
    name: "RuntimeError",
  });
});
