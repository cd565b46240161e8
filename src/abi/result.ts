import type { Guest } from "../wasm/guest.ts";

/** One i64 and its two halves, the low one first: arithmetic on a BigInt makes a new one at each step. */
const packed = new BigInt64Array(1);
const halves = new Uint32Array(packed.buffer);

/**
 * The bytes that an i64 result names: `(pointer << 32) | length`, both unsigned. They are the guest's own, good until it is
 * called or put back.
 *
 * @throws RuntimeError when they lie outside the guest's memory: then the guest is broken, as if it had trapped.
 */
export function takeResult(guest: Guest, result: unknown): Uint8Array<ArrayBuffer> {
  if (typeof result !== "bigint") {
    throw new WebAssembly.RuntimeError(`a handler returns an i64, this one returned ${typeof result}`);
  }
  packed[0] = result;
  const [length = 0, pointer = 0] = halves;
  if (!guest.memory.holds(pointer, length)) {
    throw new WebAssembly.RuntimeError(
      `the handler's result lies outside the guest's memory: ${length} bytes at ${pointer}`,
    );
  }
  return guest.memory.bytes.subarray(pointer, pointer + length);
}
