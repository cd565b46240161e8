import { CapsuleError, messageOf } from "../base/errors.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";

const chunkBytes = 64 * 1024;

/**
 * The bytes of a module's file. A pipe is read to its end, so `-wasm=<(gunzip -c hello.wasm.gz)` works. It is read
 * synchronously, since nothing else happens while a function starts, and a first asynchronous read costs a millisecond.
 *
 * @throws CapsuleError `LOAD` when it cannot be read, `NOT_A_MODULE` when it does not begin like one.
 */
export function readModule(path: string): Uint8Array<ArrayBuffer> {
  try {
    return read(path);
  } catch (error) {
    if (error instanceof CapsuleError) throw error;
    if (error instanceof Deno.errors.NotFound) throw cannotLoad(path, "no such file", error);
    if (error instanceof Deno.errors.PermissionDenied) throw cannotLoad(path, "permission denied", error);
    if (error instanceof Deno.errors.IsADirectory) throw cannotLoad(path, "it is a directory", error);
    throw cannotLoad(path, messageOf(error), error);
  }
}

/** Looks at the beginning before it reads on, for a device may never end. (Asking for its kind would cost a start 12 ms.) */
function read(path: string): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  const bytes = new ByteBuffer();
  const chunk = new Uint8Array(chunkBytes);
  let isChecked = false;
  for (;;) {
    const count = file.readSync(chunk);
    bytes.append(chunk.subarray(0, count ?? 0));
    if (!isChecked && (count === null || bytes.length >= 8)) {
      assertModule(bytes.bytes, path);
      isChecked = true;
    }
    if (count === null) return bytes.bytes.slice();
  }
}

function cannotLoad(path: string, why: string, cause?: unknown): CapsuleError {
  return new CapsuleError("LOAD", `cannot load ${path || '""'}: ${why}`, { cause });
}

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

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
