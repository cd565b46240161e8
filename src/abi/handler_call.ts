import type { Guest } from "../wasm/guest.ts";
import type { GuestInstance } from "../wasm/instance.ts";

/** Separates the arguments of a cli call: U+00B0, bytes C2 B0. */
export const argumentSeparator = "°";

/**
 * Joins the arguments of a cli call into the one UTF-8 string that the guest splits. No arguments
 * are one empty argument, as in Capsule 0.1.3.
 */
export function joinArguments(args: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(args.join(argumentSeparator));
}

const errorMark = "[ERR]";

/** Reports whether a handler's result is an error, to be read by `decodeError`. */
export function isError(result: Uint8Array): boolean {
  for (let at = 0; at < errorMark.length; at++) {
    if (result[at] !== errorMark.charCodeAt(at)) return false;
  }
  return true;
}

/**
 * Allocates one block in the guest for all arguments of a call. A second `malloc` could collect the
 * first block, as memory from older TinyGo's `malloc` is not a root of its garbage collector.
 *
 * @returns the address of the block; 0 for an empty one, as `malloc(0)` panics in some versions.
 * @throws RuntimeError if the guest returns a block outside of its memory.
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
  if (exports.malloc) instance.setArguments(pointer);
  return pointer;
}

/** Writes bytes into a new block in the guest and returns its address. */
export function passBytes(instance: GuestInstance, bytes: Uint8Array): number {
  const pointer = allocateArguments(instance, bytes.length);
  if (bytes.length > 0) instance.guest.memory.bytes.set(bytes, pointer);
  return pointer;
}

/**
 * An i64 and its halves, the low one first. Hot path: BigInt arithmetic would allocate (bench:
 * `in-process`).
 */
const packed = new BigInt64Array(1);
const halves = new Uint32Array(packed.buffer);

/**
 * Returns the bytes that an i64 result refers to: `(pointer << 32) | length`, both unsigned. They
 * lie in the guest's memory, and are valid until the guest is called or reset.
 *
 * @throws RuntimeError if they lie outside of the guest's memory: the call traps.
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
