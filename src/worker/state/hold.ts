import { dirname, join } from "node:path";
import { CapsuleError, messageOf } from "../../base/errors.ts";

/**
 * Makes a folder that only its owner reads, and makes sure that nobody else uses it in the same way until this is disposed of or the process
 * ends, however it does.
 *
 * @param what is who uses it, for messages: `worker`.
 * @throws CapsuleError `IN_USE`, `DATA` when it cannot be made or written.
 */
export function holdFolder(folder: string, what: string): Promise<Disposable> {
  return hold(folder, join(folder, "lock"), {
    taken: `another ${what} uses ${folder}: give this one a folder of its own (-data)`,
    failed: ["DATA", `cannot keep data in ${folder} (-data)`],
  });
}

/**
 * The same for a state file. What is locked is a file beside it, since each change puts another file in its place.
 *
 * @throws CapsuleError `IN_USE`, `STATE` when nothing can be written there.
 */
export function holdState(path: string): Promise<Disposable> {
  return hold(dirname(path), `${path}.lock`, {
    taken: `another worker keeps its state in ${path}: give this one a file of its own (-state)`,
    failed: ["STATE", `cannot write -state=${path}`],
  });
}

async function hold(
  folder: string,
  lock: string,
  { taken, failed: [code, failed] }: {
    taken: string;
    failed: readonly [code: string, message: string];
  },
): Promise<Disposable> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    file = await Deno.open(lock, { write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new CapsuleError(code, `${failed}: ${messageOf(error)}`, { cause: error });
  }
  if (await file.tryLock(true)) return file;
  file.close();
  throw new CapsuleError("IN_USE", taken);
}
