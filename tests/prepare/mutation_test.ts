import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { committedModules, describeModule, watModules } from "./modules.ts";

const options = {
  exportGlobals: true,
  quietExit: true,
  maxMemoryPages: 4096,
  steps: true,
  startMemos: "record",
} as const;

/**
 * Returns a random number generator with a fixed sequence, so that failures repeat
 * (https://en.wikipedia.org/wiki/Linear_congruential_generator).
 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return (state >>> 8) % below;
  };
}

/** Changes, removes or doubles a few bytes, or cuts everything off after one. */
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array<ArrayBuffer> {
  const list = [...bytes];
  for (let left = 1 + random(3); left > 0; left--) {
    const at = 8 + random(Math.max(1, list.length - 8));
    switch (random(8)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, random(256));
        break;
      case 2:
        list.splice(at, 0, ...list.slice(at, at + random(20)));
        break;
      case 3:
        if (random(8) === 0) list.length = at;
        break;
      case 4:
        // Bytes of numbers, ends and prefixes.
        list[at] = [0x00, 0x0b, 0x40, 0x7f, 0x80, 0xff, 0xfc, 0xfd, 0xfb, 0xfe][random(10)] ?? 0;
        break;
      default:
        list[at] = random(256);
    }
  }
  return new Uint8Array(list);
}

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

/** Reports whether V8 would accept what is refused: a memory above the limit, reserved names. */
function isOurRule(error: unknown): boolean {
  return error instanceof Error &&
    /its memory starts with|names that begin with/.test(error.message);
}
