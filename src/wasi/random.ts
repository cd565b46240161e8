import type { WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

/** Limit of one call of `crypto.getRandomValues`, in bytes. */
const maxChunkBytes = 65_536;
/** Bytes between two checks of the deadline. */
const bytesPerCheck = 1 << 20;
/** Up to this length, bytes come from the pool: a start asks for 32 (bench: `in-process`). */
const maxPooledBytes = 64;

/** Makes `random_get`. */
export function randomFunctions(state: WasiState) {
  const { memory } = state;
  const fill = state.random ?? ((bytes) => void crypto.getRandomValues(bytes));
  return {
    random_get(buf: number, buf_len: number): number {
      state.nondeterministicCalls++;
      buf >>>= 0;
      buf_len >>>= 0;
      checkRange(memory, buf, buf_len);
      const bytes = memory.bytes;
      if (buf_len <= maxPooledBytes && !state.random) {
        takePooled(bytes, buf, buf_len);
        return 0;
      }
      const end = buf + buf_len;
      for (let at = buf; at < end; at += maxChunkBytes) {
        if (at > buf && (at - buf) % bytesPerCheck === 0) state.assertInTime();
        fill(bytes.subarray(at, Math.min(at + maxChunkBytes, end)));
      }
      return 0;
    },
  };
}

/** Random bytes, of which the first `left` are unused; the others are erased. */
const pool = new Uint8Array(4096);
let left = 0;

function takePooled(into: Uint8Array, at: number, length: number): void {
  if (left < length) {
    crypto.getRandomValues(pool);
    left = pool.length;
  }
  for (let i = 0; i < length; i++) {
    into[at + i] = pool[--left] ?? 0;
    pool[left] = 0;
  }
}
