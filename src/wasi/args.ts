import type { WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

/** NUL-terminated strings in one buffer. */
export interface CStrings {
  readonly bytes: Uint8Array;
  /** Offset of each string. */
  readonly starts: readonly number[];
}

/** A variable's value: text, or bytes that need not be UTF-8, such as a request header. */
export type VariableValue = string | Uint8Array;

/** Arguments and environment of a guest. */
export interface ArgsAndEnvironment {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, VariableValue>>;
}

const encoder = new TextEncoder();

/** Encodes strings: `["a", "bc"]` is `61 00 62 63 00`, with starts 0 and 2. */
function encodeStrings(strings: readonly string[]): CStrings {
  return joinPieces(strings.map((string) => [string]));
}

/** Encodes each variable as `NAME=value`. */
function encodeVariables(variables: Readonly<Record<string, VariableValue>>): CStrings {
  return joinPieces(Object.entries(variables).map(([name, value]) => [`${name}=`, value]));
}

function joinPieces(strings: readonly (readonly VariableValue[])[]): CStrings {
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

/** Makes the functions for arguments and environment, which have the same form. */
export function argsFunctions(state: WasiState, { args, env }: ArgsAndEnvironment) {
  const { memory } = state;
  const argStrings = once(() => encodeStrings(args));
  const variables = once(() => encodeVariables(env));

  /**
   * Writes a pointer to each string, then the strings. With `argv` 0x100 and `argv_buf` 0x200,
   * `["a", "bc"]` is
   *
   *     0x100: 00 02 00 00 02 02 00 00    0x200: 61 00 62 63 00
   */
  const get = (strings: () => CStrings) => (argv: number, argv_buf: number): number => {
    const { bytes, starts } = strings();
    argv >>>= 0;
    argv_buf >>>= 0;
    checkRange(memory, argv, starts.length * 4);
    checkRange(memory, argv_buf, bytes.length);
    for (let index = 0; index < starts.length; index++) {
      memory.view.setUint32(argv + index * 4, argv_buf + (starts[index] ?? 0), true);
    }
    memory.bytes.set(bytes, argv_buf);
    return 0;
  };

  /** Writes the number of strings and their size in bytes. */
  const sizesGet = (strings: () => CStrings) => (argc: number, argv_buf_size: number): number => {
    const { bytes, starts } = strings();
    argc >>>= 0;
    argv_buf_size >>>= 0;
    checkRange(memory, argc, 4);
    checkRange(memory, argv_buf_size, 4);
    memory.view.setUint32(argc, starts.length, true);
    memory.view.setUint32(argv_buf_size, bytes.length, true);
    return 0;
  };

  return {
    args_get: get(argStrings),
    args_sizes_get: sizesGet(argStrings),
    environ_get: get(variables),
    environ_sizes_get: sizesGet(variables),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
