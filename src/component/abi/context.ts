import { makeUncatchable } from "../../wasm/jspi.ts";
import type { StringEncoding } from "../format/syntax.ts";
import type { CopyType, Resource } from "../types/types.ts";

/**
 * Returns the error of a trap that the component model requires. It ends the call as a trap of core
 * code does.
 */
export function trap(message: string): WebAssembly.RuntimeError {
  const error = makeUncatchable();
  error.message = message;
  Error.captureStackTrace(error, trap);
  return error;
}

/** A guest's linear memory, read anew after every call into the guest. */
export interface Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

/** The component instance and the canonical options, as lifting and lowering use them. */
export interface AbiContext {
  readonly memory: Memory;
  readonly encoding: StringEncoding;
  /** True if lists of bytes are lifted as views of the memory, without a copy. */
  readonly borrowsBytes?: boolean;
  /**
   * Counts bytes of strings and lists that the call lifts. A guest can pass the same string any
   * number of times, so their sum is limited, and the deadline is checked.
   *
   * @throws a trap above the limit; CapsuleError past the deadline.
   */
  countLifted(bytes: number): void;
  /** Calls the guest's `realloc`. Returns a pointer, which is not checked yet. */
  realloc(oldPointer: number, oldSize: number, alignment: number, newSize: number): number;
  /** Removes an owned handle and returns its representation. @throws a trap if it is invalid. */
  liftOwn(resource: Resource, handle: number): unknown;
  /** Lends a handle for the current call and returns its representation. */
  liftBorrow(resource: Resource, handle: number): unknown;
  /** Adds an owned handle. */
  lowerOwn(resource: Resource, rep: unknown): number;
  /** Adds a handle that the callee must drop before it returns. */
  lowerBorrow(resource: Resource, rep: unknown): number;
  /** Removes the readable end of a stream or future and returns what it shares with the other. */
  liftCopy(type: CopyType, index: number): object;
  /** Adds the readable end of a stream or future. */
  lowerCopy(type: CopyType, shared: object): number;
  /** Returns an error context. */
  liftError(index: number): object;
  /** Adds an error context. */
  lowerError(error: object): number;
}

/** Checks that bytes lie in the memory at their alignment. @throws a trap if not. */
export function checkRange(
  { memory }: Pick<AbiContext, "memory">,
  pointer: number,
  { size, alignment }: { size: number; alignment: number },
): void {
  if (pointer % alignment !== 0) throw trap(`pointer ${pointer} is not aligned to ${alignment}`);
  if (pointer + size > memory.bytes.length) {
    throw trap(`${size} bytes at ${pointer} are out of bounds of memory`);
  }
}

/** Allocates bytes in the guest's memory. @throws a trap if the guest's pointer is invalid. */
export function allocate(cx: AbiContext, size: number, alignment: number): number {
  const pointer = cx.realloc(0, 0, alignment, size) >>> 0;
  checkRange(cx, pointer, { size, alignment });
  return pointer;
}
