import type { Guest } from "../wasm/guest.ts";
import type { GuestInstance } from "../wasm/instance.ts";

/** What stands between two arguments of a cli call: U+00B0, bytes C2 B0. */
export const argumentSeparator = "°";

/**
 * The arguments of a cli call as the one string that the guest splits, in UTF-8. No arguments are one empty argument, as
 * in Capsule 0.1.3.
 */
export function joinArguments(args: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(args.join(argumentSeparator));
}

const errorMark = "[ERR]";

/** Whether a handler's result is an error, which `decodeError` reads. A cli call passes any other on as it is and never decodes it. */
export function isError(result: Uint8Array): boolean {
  for (let at = 0; at < errorMark.length; at++) {
    if (result[at] !== errorMark.charCodeAt(at)) return false;
  }
  return true;
}

/**
 * Room for arguments in the guest: one block for all of them, since memory that TinyGo's older `malloc` gave is no root of its
 * collector, and a second `malloc` may collect the first. It is freed where the instance is used again as it is.
 *
 * @returns where the block lies; 0 for none, for `malloc(0)` panics in some versions.
 */
export function allocateArguments(instance: GuestInstance, length: number): number {
  if (length === 0) return 0;
  const { exports, guest } = instance;
  const allocate = (exports.malloc ?? exports.allocateBuffer) as (size: number) => number;
  const pointer = guest.inside(() => allocate(length)) >>> 0;
  if (!guest.memory.holds(pointer, length)) {
    throw new WebAssembly.RuntimeError(
      `the guest allocated ${length} bytes outside its memory, at ${pointer}`,
    );
  }
  if (exports.malloc) instance.mallocated = pointer;
  return pointer;
}

/** Puts bytes into the guest and says where they lie. */
export function passBytes(instance: GuestInstance, bytes: Uint8Array): number {
  const pointer = allocateArguments(instance, bytes.length);
  if (bytes.length > 0) instance.guest.memory.bytes.set(bytes, pointer);
  return pointer;
}

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
    throw new WebAssembly.RuntimeError(
      `a handler returns an i64, this one returned ${typeof result}`,
    );
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
