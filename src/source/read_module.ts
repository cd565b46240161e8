import { CapsuleError, messageOf } from "../base/errors.ts";
import { assertModule } from "./module_header.ts";

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
