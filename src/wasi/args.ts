import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

/** Strings as C has them: all in one piece, each with a zero behind it. */
export interface Strings {
  readonly bytes: Uint8Array;
  /** Where each one starts. */
  readonly starts: readonly number[];
}

/** A variable's value: text, or bytes that may be no UTF-8, such as a header of a request. */
export type VariableValue = string | Uint8Array;

const encoder = new TextEncoder();

/** `["a", "bc"]` is `61 00 62 63 00`, with starts 0 and 2. */
export function encodeStrings(strings: readonly string[]): Strings {
  return joined(strings.map((string) => [string]));
}

/** The same of `NAME=value`, for each variable. */
export function encodeVariables(variables: Readonly<Record<string, VariableValue>>): Strings {
  return joined(Object.entries(variables).map(([name, value]) => [`${name}=`, value]));
}

function joined(strings: readonly (readonly VariableValue[])[]): Strings {
  const starts: number[] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const string of strings) {
    starts.push(length);
    for (const piece of [...string, "\0"]) {
      const part = typeof piece === "string" ? encoder.encode(piece) : piece;
      parts.push(part);
      length += part.length;
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, starts };
}

/** What a guest was called with. */
export interface Called {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, VariableValue>>;
}

/** Arguments and environment: two lists of strings, told in the same way. */
export function argsFunctions(state: State, called: Called) {
  const { memory } = state;
  const args = once(() => encodeStrings(called.args));
  const environ = once(() => encodeVariables(called.env));

  /**
   * Writes where each string is, then the strings. At 0x100 for the list and 0x200 for the text, `["a", "bc"]` is
   *
   *     0x100: 00 02 00 00 02 02 00 00    0x200: 61 00 62 63 00
   */
  const get = (strings: () => Strings) => (list: number, text: number): number => {
    const { bytes, starts } = strings();
    list >>>= 0;
    text >>>= 0;
    checkRange(memory, list, starts.length * 4);
    checkRange(memory, text, bytes.length);
    for (let index = 0; index < starts.length; index++) {
      memory.view.setUint32(list + index * 4, text + (starts[index] ?? 0), true);
    }
    memory.bytes.set(bytes, text);
    return 0;
  };

  /** Writes how many strings there are, and how many bytes they take. */
  const sizes = (strings: () => Strings) => (count: number, size: number): number => {
    const { bytes, starts } = strings();
    count >>>= 0;
    size >>>= 0;
    checkRange(memory, count, 4);
    checkRange(memory, size, 4);
    memory.view.setUint32(count, starts.length, true);
    memory.view.setUint32(size, bytes.length, true);
    return 0;
  };

  return {
    args_get: get(args),
    args_sizes_get: sizes(args),
    environ_get: get(environ),
    environ_sizes_get: sizes(environ),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
