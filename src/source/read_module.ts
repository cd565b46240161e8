import { CapsuleError, messageOf } from "../base/errors.ts";
import { assertModule } from "./module_magic.ts";

/**
 * The bytes of a module's file. A pipe is read to its end, so `-wasm=<(gunzip -c hello.wasm.gz)` works.
 *
 * @throws CapsuleError `LOAD` when it cannot be read, `NOT_A_MODULE` when it does not begin like one.
 */
export async function readModule(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await read(path);
  assertModule(bytes, path);
  return bytes;
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Asked first: a device may never end, and reading a directory says "is a directory" on some systems only.
    const { isDirectory, isCharDevice, isBlockDevice } = await Deno.stat(path);
    if (isDirectory) throw cannotLoad(path, "it is a directory");
    if (isCharDevice || isBlockDevice) throw cannotLoad(path, "it is a device");
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof CapsuleError) throw error;
    if (error instanceof Deno.errors.NotFound) throw cannotLoad(path, "no such file", error);
    if (error instanceof Deno.errors.PermissionDenied) throw cannotLoad(path, "permission denied", error);
    throw cannotLoad(path, messageOf(error), error);
  }
}

function cannotLoad(path: string, why: string, cause?: unknown): CapsuleError {
  return new CapsuleError("LOAD", `cannot load ${path || '""'}: ${why}`, { cause });
}
