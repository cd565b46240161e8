import { CapsuleError } from "../base/errors.ts";

/** `\0asm` and version 1, as every core module begins. @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
const magic = [0x00, 0x61, 0x73, 0x6d];
const version = [0x01, 0x00, 0x00, 0x00];

/**
 * Looks at the first bytes only: whether the rest holds is seen when the module is loaded.
 *
 * @throws CapsuleError `NOT_A_MODULE`, saying what it is instead.
 */
export function assertModule(head: Uint8Array, what: string): void {
  const starts = (wanted: number[], at: number) => wanted.every((byte, index) => head[at + index] === byte);
  if (starts(magic, 0) && starts(version, 4)) return;
  throw new CapsuleError(
    "NOT_A_MODULE",
    `${what} is no WebAssembly module: ${found(head, starts(magic, 0))}`,
  );
}

function found(head: Uint8Array, hasMagic: boolean): string {
  if (head.length === 0) return "it is empty";
  if (hasMagic && head.length < 8) return "it ends within its first 8 bytes";
  if (hasMagic && head[6] === 1) {
    return "it is a component, and Capsule runs core modules (for TinyGo: -target=wasi)";
  }
  if (hasMagic) return `its version is ${head[4]}, and 1 is the only one`;
  const text = new TextDecoder("utf-8").decode(head.subarray(0, 8));
  const shown = /^[\x20-\x7e\s]+$/.test(text) ? JSON.stringify(text) : hex(head.subarray(0, 8));
  return `it begins with ${shown}`;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
