import type { GuestInstance } from "../wasm/instance.ts";

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
