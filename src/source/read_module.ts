import { CapsuleError, messageOf } from "../base/errors.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { assertModule } from "./module_magic.ts";

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
