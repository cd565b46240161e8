import { dirname, join } from "node:path";
import { CapsuleError, messageOf } from "../../base/errors.ts";

/**
 * Creates a folder that only its owner can read, and locks it until the lock is disposed of or the
 * process ends.
 *
 * @param what names the user of the folder in messages: `worker`.
 * @throws CapsuleError `IN_USE`, `DATA` if it cannot be created or written.
 */
export function holdFolder(folder: string, what: string): Promise<Disposable> {
  return hold(folder, join(folder, "lock"), {
    taken: `another ${what} uses ${folder}: choose another folder (-data)`,
    failed: ["DATA", `cannot keep data in ${folder} (-data)`],
  });
}

/**
 * Locks a state file until the lock is disposed of or the process ends. The lock is on a file
 * beside it, because each change replaces the state file.
 *
 * @throws CapsuleError `IN_USE`, `STATE` if the folder cannot be written.
 */
export function holdState(path: string): Promise<Disposable> {
  return hold(dirname(path), `${path}.lock`, {
    taken: `another worker keeps its state in ${path}: choose another file (-state)`,
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
