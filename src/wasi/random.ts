import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

/** The most bytes that `crypto.getRandomValues` gives at once. */
const chunkBytes = 65_536;
/** So few bytes come from what was drawn before: a start asks for 32, and asking the system takes longer than copying them. */
const fewBytes = 64;

export function randomFunctions(state: State) {
  const { memory } = state;
  const random = state.random ?? ((bytes) => void crypto.getRandomValues(bytes));
  return {
    random_get(buffer: number, length: number): number {
      state.nondeterministicCalls++;
      buffer >>>= 0;
      length >>>= 0;
      checkRange(memory, buffer, length);
      const bytes = memory.bytes;
      if (length <= fewBytes && !state.random) {
        takeDrawn(bytes, buffer, length);
        return 0;
      }
      const end = buffer + length;
      for (let at = buffer; at < end; at += chunkBytes) {
        random(bytes.subarray(at, Math.min(at + chunkBytes, end)));
      }
      return 0;
    },
  };
}

/** Random bytes, of which the first `left` were given to nobody yet; those that were are gone. */
const drawn = new Uint8Array(4096);
let left = 0;

function takeDrawn(into: Uint8Array, at: number, length: number): void {
  if (left < length) {
    crypto.getRandomValues(drawn);
    left = drawn.length;
  }
  for (let i = 0; i < length; i++) {
    into[at + i] = drawn[--left] ?? 0;
    drawn[left] = 0;
  }
}
