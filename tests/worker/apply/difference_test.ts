import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  FunctionSpec,
  FunctionSpecs,
  RevisionSpec,
} from "../../../src/worker/apply/function_specs.ts";
import { describe } from "../../../src/worker/apply/describe.ts";
import { difference, keeping, type Step } from "../../../src/worker/apply/difference.ts";

const deployment = (more: Partial<RevisionSpec> = {}): RevisionSpec => ({
  downloadUrl: "http://r/hello.wasm",
  instances: 1,
  envVariables: {},
  ...more,
});
/** Makes specs of `{ f: { blue: {…} } }` and the default revision of each function. */
function declared(
  functions: Record<string, Record<string, Partial<RevisionSpec>>>,
  defaults: Record<string, string> = {},
): FunctionSpecs {
  return new Map(
    Object.entries(functions).map(([name, revisions]) => [name, {
      revisions: new Map(Object.entries(revisions).map(([key, more]) => [key, deployment(more)])),
      defaultRevision: defaults[name],
    }]),
  );
}
const lines = (desired: FunctionSpecs, actual: FunctionSpecs) =>
  difference(desired, actual).map(describe);

Deno.test("difference: adds, then switches the default, then removes", () => {
  const actual = declared({ f: { blue: { instances: 3 }, green: {} }, old: { one: {} } }, {
    f: "green",
  });
  const desired = declared({
    f: {
      blue: { instances: 2 },
      red: { instances: 2, idle: "60s", envVariables: { A: "1", B: "" } },
    },
    g: { default: {} },
  }, { f: "red" });
  assert.deepEqual(lines(desired, actual), [
    "+ f red: http://r/hello.wasm, 2 instances, idle 60s, with A, B",
    "~ f: default revision green → red",
    "~ f blue: instances 3 → 2",
    "- f green",
    "+ g default: http://r/hello.wasm",
    "- old one",
  ]);
});

Deno.test("difference: a replacement names changed fields, never values", () => {
  const actual = declared({
    f: {
      blue: { sha256: "a", envVariables: { SAME: "x", OTHER: "secret", GONE: "1" }, idle: "60s" },
    },
  });
  const changed = (more: Partial<RevisionSpec>) => lines(declared({ f: { blue: more } }), actual);
  assert.deepEqual(
    changed({
      downloadUrl: "http://r/other.wasm",
      sha256: "b",
      envVariables: { SAME: "x", OTHER: "hidden", NEW: "1", toString: "" },
      instances: 9,
    }),
    ["~ f blue: replaced, changes downloadUrl, sha256, idle, GONE, NEW, OTHER, toString"],
  );
  const { envVariables = {} } = actual.get("f")?.revisions.get("blue") ?? {};
  assert.deepEqual(
    changed({ envVariables, idle: "1m" }),
    [],
    "a minute is sixty seconds, any digest is right",
  );
});

Deno.test("difference: removes a default unless its revision is removed", () => {
  const actual = declared({ f: { blue: {}, green: {} } }, { f: "blue" });
  assert.deepEqual(lines(declared({ f: { blue: {}, green: {} } }), actual), [
    "~ f: default revision blue → none",
  ]);
  assert.deepEqual(lines(declared({ f: { green: {} } }), actual), ["- f blue"]);
  assert.deepEqual(lines(declared({ f: { blue: {} } }, { f: "blue" }), declared({})), [
    "+ f blue: http://r/hello.wasm",
    "~ f: default revision none → blue",
  ]);
});

Deno.test("keeping: keeps everything that the file does not mention", () => {
  const actual = declared({ f: { blue: {}, green: {} }, g: { one: {} } }, { f: "blue", g: "one" });
  const desired = declared({ f: { green: { instances: 2 } }, h: { one: {} } });
  assert.deepEqual(lines(keeping(desired, actual), actual), [
    "~ f green: instances 1 → 2",
    "+ h one: http://r/hello.wasm",
  ]);
});

/** Applies a step as a worker would; throws where a worker refuses. */
function after(actual: FunctionSpecs, step: Step): FunctionSpecs {
  const next = new Map(actual);
  const { revisions = new Map<string, RevisionSpec>(), defaultRevision }: Partial<FunctionSpec> =
    actual.get(step.function) ?? {};
  const set = (changed: ReadonlyMap<string, RevisionSpec>, chosen: string | undefined) => {
    if (changed.size === 0) next.delete(step.function);
    else next.set(step.function, { revisions: changed, defaultRevision: chosen });
  };
  const has = "revision" in step && revisions.has(step.revision);
  switch (step.kind) {
    case "deploy":
    case "replace":
      assert.equal(has, step.kind === "replace");
      set(new Map([...revisions, [step.revision, step.deployment]]), defaultRevision);
      break;
    case "scale":
      set(
        new Map([...revisions].map(([name, each]) => [
          name,
          name === step.revision ? { ...each, instances: step.to } : each,
        ])),
        defaultRevision,
      );
      assert(has);
      break;
    case "set-default":
      assert(has);
      set(revisions, step.revision);
      break;
    case "remove-default":
      assert.equal(defaultRevision, step.from);
      set(revisions, undefined);
      break;
    case "remove":
      assert(has);
      set(
        new Map([...revisions].filter(([name]) => name !== step.revision)),
        defaultRevision === step.revision ? undefined : defaultRevision,
      );
  }
  return next;
}

const anyDeclared = fc.dictionary(
  fc.constantFrom("f", "g", "__proto__"),
  fc.record({
    revisions: fc.dictionary(
      fc.constantFrom("blue", "green", "default"),
      fc.record({
        instances: fc.integer({ min: 1, max: 3 }),
        idle: fc.constantFrom(undefined, "60s", "1m", "5s"),
        envVariables: fc.dictionary(fc.constantFrom("A", "__proto__"), fc.constantFrom("1", "2")),
      }),
      { minKeys: 1 },
    ),
    choice: fc.nat({ max: 3 }),
  }),
).map((functions): FunctionSpecs =>
  new Map(
    Object.entries(functions).map(([name, { revisions, choice }]) => [name, {
      revisions: new Map(Object.entries(revisions).map(([key, more]) => [key, deployment(more)])),
      defaultRevision: Object.keys(revisions)[choice],
    }]),
  )
);

Deno.test("difference: its steps always lead to the desired state", () => {
  fc.assert(fc.property(anyDeclared, anyDeclared, fc.boolean(), (file, actual, keep) => {
    const desired = keep ? keeping(file, actual) : file;
    let state = actual;
    for (const step of difference(desired, actual)) {
      const before = state.get(step.function);
      state = after(state, step);
      // A default that exists before and after exists all the time.
      if (
        before?.defaultRevision !== undefined &&
        desired.get(step.function)?.defaultRevision !== undefined
      ) {
        assert.notEqual(state.get(step.function)?.defaultRevision, undefined);
      }
    }
    assert.deepEqual(difference(desired, state), []);
    assert.deepEqual([...state.keys()].sort(), [...desired.keys()].sort());
    for (const [name, { defaultRevision, revisions }] of desired) {
      assert.equal(state.get(name)?.defaultRevision, defaultRevision);
      assert.deepEqual(
        [...state.get(name)?.revisions.keys() ?? []].sort(),
        [...revisions.keys()].sort(),
      );
    }
  }));
});
