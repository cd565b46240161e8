import { CapsuleError } from "../base/errors.ts";
import { asResult, readBytes, readText, viewBytes, writeResult } from "../abi/guest_strings.ts";
import type { Guest } from "../wasm/guest.ts";

/** An import as the guest calls it: every parameter is an i32. */
export type Import = (...numbers: number[]) => void | Promise<void>;

/** Host functions by their wire names; those in `waiting` return promises, and the guest is suspended meanwhile. */
export interface HostFunctions {
  /** The import module that they are found in: `env` unless said. */
  readonly module: string;
  readonly now: Record<string, Import>;
  readonly waiting: Record<string, Import>;
}

/** One family of host functions, made for each instance. */
export type HostFamily = (guest: Guest) => Partial<HostFunctions>;

/** The inputs of a host function, in the order of its parameters: bytes, or text when a person wrote them. */
export class Inputs {
  readonly #guest: Guest;
  readonly #numbers: number[];

  constructor(guest: Guest, numbers: number[]) {
    this.#guest = guest;
    this.#numbers = numbers;
  }

  bytes(index: number): Uint8Array<ArrayBuffer> {
    return readBytes(this.#guest, this.#numbers[2 * index] ?? 0, this.#numbers[2 * index + 1] ?? 0);
  }

  /** Bytes for work that looks at them no more once the call is over: they are not copied. */
  view(index: number): Uint8Array<ArrayBuffer> {
    return viewBytes(this.#guest, this.#numbers[2 * index] ?? 0, this.#numbers[2 * index + 1] ?? 0);
  }

  text(index: number): string {
    return readText(this.#guest, this.#numbers[2 * index] ?? 0, this.#numbers[2 * index + 1] ?? 0);
  }
}

/** Gives the guest the result of a host function, whose last two parameters say where its pointer and its length go. */
function answer(guest: Guest, numbers: readonly number[], result: string | Uint8Array): void {
  const last = numbers.length - 1;
  writeResult(guest, result, numbers[last - 1] ?? 0, numbers[last] ?? 0);
}

/** A host function that answers at once. */
export function answering(guest: Guest, compute: (inputs: Inputs) => string | Uint8Array): Import {
  return (...numbers) => {
    guest.hostCalls++;
    guest.noteCall();
    let result: string | Uint8Array;
    try {
      result = compute(new Inputs(guest, numbers));
    } catch (error) {
      result = asResult(error);
    }
    answer(guest, numbers, result);
  };
}

/**
 * A host function that waits: `compute` reads its inputs before it first waits, and `form` makes of what came what the guest
 * gets. There are few promises on this way, for each costs every call.
 */
export function answeringLater<T>(
  guest: Guest,
  compute: (inputs: Inputs) => Promise<T>,
  form: (value: T) => string | Uint8Array,
): Import {
  return (...numbers) => {
    guest.hostCalls++;
    guest.beSeen();
    const failed = (error: unknown) => answer(guest, numbers, asResult(error));
    let work: Promise<T>;
    try {
      work = compute(new Inputs(guest, numbers));
    } catch (error) {
      return failed(error);
    }
    return guest.waitFor(work, (value) => answer(guest, numbers, form(value)), failed);
  };
}

/** A refused call: what was asked, and the flag that would allow it. */
export function denied(what: string, flag: string): CapsuleError {
  return new CapsuleError("DENIED", `${what} is not allowed: ${flag} would allow it`);
}
