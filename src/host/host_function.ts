import {
  asResult,
  readBytes,
  readGuestText,
  viewBytes,
  writeResult,
} from "../abi/guest_strings.ts";
import { CapsuleError } from "../base/errors.ts";
import type { Guest } from "../wasm/guest.ts";
import { type InputName, maxInputBytes } from "./imports.ts";

/** Creates the host functions of one family for an instance. */
export type HostFamily = (guest: Guest) => Partial<HostFunctions>;

/** Host functions by import name. */
export interface HostFunctions {
  /** The import module. Default: `env`. */
  readonly module: string;
  readonly sync: Record<string, Import>;
  /** Functions that return a promise; the guest is suspended until it settles. */
  readonly suspending: Record<string, Import>;
}

/** An import as the guest calls it; each parameter is an i32. */
export type Import = (...numbers: number[]) => void | Promise<void>;

/**
 * Creates a host function that returns its result synchronously. A `CapsuleError` becomes an
 * `[ERR]` result.
 */
export function syncFunction(
  guest: Guest,
  compute: (inputs: Inputs) => string | Uint8Array,
): Import {
  return (...numbers) => {
    guest.noteHostCall();
    let result: string | Uint8Array;
    try {
      result = compute(new Inputs(guest, numbers));
    } catch (error) {
      result = asResult(error);
    }
    returnResult(guest, numbers, result);
  };
}

/**
 * Creates a host function that suspends the guest. `compute` must read its inputs before its first
 * `await`, since later the memory may belong to another call; `encode` makes the result.
 *
 * Hot path: no intermediate promises (bench: `store`).
 */
export function suspendingFunction<T>(
  guest: Guest,
  compute: (inputs: Inputs) => Promise<T>,
  encode: (value: T) => string | Uint8Array,
): Import {
  return (...numbers) => {
    guest.noteHostCall();
    guest.beforeSideEffect();
    const fail = (error: unknown) => returnResult(guest, numbers, asResult(error));
    let work: Promise<T>;
    try {
      work = compute(new Inputs(guest, numbers));
    } catch (error) {
      return fail(error);
    }
    return guest.waitFor(work, (value) => returnResult(guest, numbers, encode(value)), fail);
  };
}

/**
 * The strings that a guest passes: input N is the pointer 2N and the length 2N + 1. Each is refused
 * with `TOO_LARGE`, before it is read, if it exceeds its limit.
 */
export class Inputs {
  readonly #guest: Guest;
  readonly #numbers: readonly number[];

  constructor(guest: Guest, numbers: readonly number[]) {
    this.#guest = guest;
    this.#numbers = numbers;
  }

  /** Returns a copy of an input. */
  bytes(index: number, name: InputName): Uint8Array<ArrayBuffer> {
    return readBytes(this.#guest, this.#pointer(index), this.#length(index, name));
  }

  /** Returns a view of an input, valid until the call ends. */
  view(index: number, name: InputName): Uint8Array<ArrayBuffer> {
    return viewBytes(this.#guest, this.#pointer(index), this.#length(index, name));
  }

  /** Returns an input decoded as UTF-8. */
  text(index: number, name: InputName): string {
    return readGuestText(this.#guest, this.#pointer(index), this.#length(index, name));
  }

  #pointer(index: number): number {
    return this.#numbers[2 * index] ?? 0;
  }

  #length(index: number, name: InputName): number {
    const length = (this.#numbers[2 * index + 1] ?? 0) >>> 0;
    const maxBytes = maxInputBytes[name];
    if (length <= maxBytes) return length;
    throw new CapsuleError(
      "TOO_LARGE",
      `the ${name} has ${length} bytes, and at most ${maxBytes} are allowed`,
    );
  }
}

/** Writes a result; the last two parameters are the cells for its pointer and its length. */
function returnResult(
  guest: Guest,
  numbers: readonly number[],
  result: string | Uint8Array,
): void {
  const last = numbers.length - 1;
  writeResult(guest, result, numbers[last - 1] ?? 0, numbers[last] ?? 0);
}

/** Returns the error for a refused action, with the flag that would allow it. */
export function denied(action: string, flag: string): CapsuleError {
  return new CapsuleError("DENIED", `${action} is not allowed: ${flag} would allow it`);
}
