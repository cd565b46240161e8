import { CapsuleError, messageOf } from "../base/errors.ts";

/** Room for a small function, to be read with one system call. */
const firstBytes = 64 * 1024;

/**
 * Reads a module's file, or a pipe to its end, so `-wasm=<(gunzip -c hello.wasm.gz)` works.
 *
 * Synchronous: nothing else happens while a function starts, and the first asynchronous read of a
 * process is slow (bench: `cli`).
 *
 * @throws CapsuleError `LOAD` if it cannot be read, `NOT_A_MODULE` if it has no module's header.
 */
export function readModule(path: string): Uint8Array<ArrayBuffer> {
  try {
    return read(path);
  } catch (error) {
    if (error instanceof CapsuleError) throw error;
    const reason = error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : error instanceof Deno.errors.IsADirectory
      ? "it is a directory"
      : messageOf(error);
    throw new CapsuleError("LOAD", `cannot load ${path || '""'}: ${reason}`, { cause: error });
  }
}

/** Checks the header before it reads on, because a device may never end. */
function read(path: string): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  let buffer = new Uint8Array(firstBytes);
  let length = 0;
  let isChecked = false;
  for (;;) {
    const count = file.readSync(buffer.subarray(length));
    length += count ?? 0;
    if (!isChecked && (count === null || length >= 8)) {
      assertModule(buffer.subarray(0, length), path);
      isChecked = true;
    }
    if (count === null) return buffer.subarray(0, length);
    if (length < buffer.length) continue;
    const larger = new Uint8Array(2 * length);
    larger.set(buffer);
    buffer = larger;
  }
}

/**
 * `\0asm` and version 1: the first eight bytes of every core module.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module
 */
const coreHeader = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * `\0asm`, version 0x0d and layer 1: the first eight bytes of every component.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
const componentHeader = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/** Reports whether bytes begin with the header of a component. */
export function isComponentHeader(head: Uint8Array): boolean {
  return startsWith(head, componentHeader);
}

function startsWith(head: Uint8Array, header: readonly number[]): boolean {
  return header.every((byte, index) => head[index] === byte);
}

/**
 * Checks that bytes begin with the header of a core module or a component. `SectionWalk` checks the
 * rest.
 *
 * @param name the module's name in the error message, such as its URL.
 * @throws CapsuleError `NOT_A_MODULE`, with a description of what was found instead.
 */
export function assertModule(head: Uint8Array, name: string): void {
  if (startsWith(head, coreHeader) || isComponentHeader(head)) return;
  throw new CapsuleError(
    "NOT_A_MODULE",
    `${name} is not a WebAssembly module: ${describe(head)}`,
  );
}

function describe(head: Uint8Array): string {
  const hasMagic = startsWith(head, coreHeader.slice(0, 4));
  if (head.length === 0) return "it is empty";
  if (hasMagic && head.length < 8) return "it ends within its first 8 bytes";
  if (hasMagic && head[6] === 1) {
    return `it is a component of version ${head[4]}, and 13 is the only one`;
  }
  if (hasMagic) return `its version is ${head[4]}, and 1 is the only one`;
  const text = new TextDecoder("utf-8").decode(head.subarray(0, 8));
  const shown = /^[\x20-\x7e\s]+$/.test(text) ? JSON.stringify(text) : hex(head.subarray(0, 8));
  return `it begins with ${shown}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
