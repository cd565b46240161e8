import { CapsuleError, messageOf } from "../base/errors.ts";

const firstBytes = 64 * 1024; // room for a small function, to be read at once

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
    if (error instanceof Deno.errors.PermissionDenied) {
      throw cannotLoad(path, "permission denied", error);
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw cannotLoad(path, "it is a directory", error);
    }
    throw cannotLoad(path, messageOf(error), error);
  }
}

/** Looks at the beginning before it reads on, for a device may never end. (Asking for its kind would cost a start 12 ms.) */
function read(path: string): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  let room = new Uint8Array(firstBytes);
  let length = 0;
  let isChecked = false;
  for (;;) {
    const count = file.readSync(room.subarray(length));
    length += count ?? 0;
    if (!isChecked && (count === null || length >= 8)) {
      assertModule(room.subarray(0, length), path);
      isChecked = true;
    }
    if (count === null) return room.subarray(0, length);
    if (length < room.length) continue;
    const larger = new Uint8Array(2 * length);
    larger.set(room);
    room = larger;
  }
}

function cannotLoad(path: string, why: string, cause?: unknown): CapsuleError {
  return new CapsuleError("LOAD", `cannot load ${path || '""'}: ${why}`, { cause });
}

/** `\0asm` and version 1, as every core module begins. @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
const beginning = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Looks at the first bytes only: whether the rest holds is seen when the module is loaded.
 *
 * @throws CapsuleError `NOT_A_MODULE`, saying what it is instead.
 */
export function assertModule(head: Uint8Array, what: string): void {
  let right = 0;
  while (right < beginning.length && head[right] === beginning[right]) right++;
  if (right === beginning.length) return;
  throw new CapsuleError(
    "NOT_A_MODULE",
    `${what} is no WebAssembly module: ${found(head, right >= 4)}`,
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
