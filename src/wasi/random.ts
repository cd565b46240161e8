import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

/** The most bytes that `crypto.getRandomValues` gives at once. */
const chunkBytes = 65_536;

export function randomFunctions(state: State) {
  const { memory, random } = state;
  return {
    random_get(buffer: number, length: number): number {
      state.nondeterministicCalls++;
      buffer >>>= 0;
      length >>>= 0;
      checkRange(memory, buffer, length);
      const bytes = memory.bytes;
      const end = buffer + length;
      for (let at = buffer; at < end; at += chunkBytes) {
        random(bytes.subarray(at, Math.min(at + chunkBytes, end)));
      }
      return 0;
    },
  };
}
