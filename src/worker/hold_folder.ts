import { join } from "node:path";
import { CapsuleError } from "../base/errors.ts";

/**
 * Makes sure that no other worker uses the folder, until this is disposed of or the process ends, however it does.
 *
 * @throws CapsuleError `IN_USE`
 */
export async function holdFolder(folder: string): Promise<Disposable> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await Deno.open(join(folder, "lock"), { write: true, create: true, mode: 0o600 });
  if (!await file.tryLock(true)) {
    file.close();
    throw new CapsuleError(
      "IN_USE",
      `another worker uses ${folder}: give this one a folder of its own (-data)`,
    );
  }
  return file;
}
