import { CapsuleError } from "../base/errors.ts";

/**
 * `\0asm` and version 1: the first eight bytes of every core module.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module
 */
const coreHeader = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Checks that bytes begin with the header of a core module. `SectionWalk` checks the rest.
 *
 * @param name the module's name in the error message, such as its URL.
 * @throws CapsuleError `NOT_A_MODULE`, with a description of what was found instead.
 */
export function assertModule(head: Uint8Array, name: string): void {
  let matching = 0;
  while (matching < coreHeader.length && head[matching] === coreHeader[matching]) matching++;
  if (matching === coreHeader.length) return;
  throw new CapsuleError(
    "NOT_A_MODULE",
    `${name} is not a WebAssembly module: ${describe(head, matching >= 4)}`,
  );
}

function describe(head: Uint8Array, hasMagic: boolean): string {
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

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
