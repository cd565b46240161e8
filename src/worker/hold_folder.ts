import { join } from "node:path";
import { CapsuleError, messageOf } from "../base/errors.ts";

/**
 * Makes a folder that only its owner reads, and makes sure that nobody else uses it in the same way until this is disposed of or the process
 * ends, however it does.
 *
 * @param what is who uses it, for messages: `worker`.
 * @throws CapsuleError `IN_USE`, `DATA` when it cannot be made or written.
 */
export async function holdFolder(folder: string, what: string): Promise<Disposable> {
  const file = await openLock(folder);
  if (await file.tryLock(true)) return file;
  file.close();
  throw new CapsuleError(
    "IN_USE",
    `another ${what} uses ${folder}: give this one a folder of its own (-data)`,
  );
}

async function openLock(folder: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    return await Deno.open(join(folder, "lock"), { write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new CapsuleError("DATA", `cannot keep data in ${folder} (-data): ${messageOf(error)}`, {
      cause: error,
    });
  }
}
