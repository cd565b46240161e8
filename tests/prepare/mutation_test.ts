import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { committedModules, describeModule, watModules } from "./modules.ts";
import { mutate, randomFrom } from "./mutate.ts";

const options = {
  exportGlobals: true,
  quietExit: true,
  steps: true,
  startMemos: "record",
} as const;

function assertIsRefusal(error: unknown): void {
  assert(error instanceof CapsuleError, String(error));
  assert.equal(error.code, "LOAD");
  assert.match(error.message, /^Cannot (read|prepare|load) the module/);
}

Deno.test("prepareModule: 10,000 broken modules stay valid or invalid, or are refused", () => {
  const small = watModules().map(({ bytes }) => bytes);
  const large = committedModules().map(({ bytes }) => bytes).filter(({ length }) =>
    length < 40_000
  );
  const random = randomFrom(20_260_101);
  const count = { refused: 0, unprepared: 0, prepared: 0, valid: 0 };
  for (let round = 0; round < 10_000; round++) {
    const from = round % 20 === 0 ? large : small;
    const bytes = mutate(from[random(from.length)] ?? new Uint8Array(), random);
    const isValid = WebAssembly.validate(bytes);
    try {
      describeModule(bytes);
      const result = prepareModule(bytes, options);
      count[result.kind]++;
      if (result.kind === "unprepared") continue;
      if (isValid) count.valid++;
      const isValidNow = WebAssembly.validate(result.bytes);
      assert.equal(isValidNow, isValid, `valid before: ${isValid}, after: ${isValidNow}: ${bytes}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      assertIsRefusal(error);
      assert(!isValid || isOurRule(error), `V8 takes it, but: ${error}\n${bytes}`);
      count.refused++;
    }
  }
  // Each outcome must occur, or the mutations are too wild or too tame.
  for (const [name, times] of Object.entries(count)) {
    assert(times > 100, `${name} only ${times} times`);
  }
});

/** Reports whether V8 would accept what is refused: reserved names. */
function isOurRule(error: unknown): boolean {
  return error instanceof Error &&
    /names that begin with/.test(error.message);
}
