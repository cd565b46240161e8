import type { Guest } from "../wasm/guest.ts";

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
  const packed = BigInt.asUintN(64, result);
  const pointer = Number(packed >> 32n);
  const length = Number(packed & 0xffffffffn);
  if (!guest.memory.holds(pointer, length)) {
    throw new WebAssembly.RuntimeError(
      `the handler's result lies outside the guest's memory: ${length} bytes at ${pointer}`,
    );
  }
  return guest.memory.bytes.subarray(pointer, pointer + length);
}
