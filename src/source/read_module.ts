import { CapsuleError, messageOf } from "../base/errors.ts";
import { assertModule } from "./module_header.ts";

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
