import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { AtomicFile } from "../base/atomic_file.ts";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { SectionWalk } from "./section_walk.ts";

/** A module as it was saved. */
export interface SavedModule {
  /** 64 hexadecimal digits. */
  sha256: string;
  size: number;
}

/** Options of `saveModule`. */
export interface SaveOptions {
  path: string;
  /** The module's name in messages, such as its URL. */
  name: string;
  /** The digest that the bytes must have. */
  sha256?: string;
  /** Called with the length of each piece, for a progress bar. */
  onBytes?: (length: number) => void;
}

/** Upper bound on a download; protects the disk. */
const maxBytes = 1024 ** 3;
/** A partial file older than this is stale: its process was killed. */
const staleMs = 60 * 60 * 1000;

/**
 * Saves a stream as the module at `path`, atomically: whole and checked, or not at all. Creates
 * parent folders.
 *
 * @throws CapsuleError `NOT_A_MODULE`, `DIGEST`, `SAVE`; the stream's errors.
 */
export async function saveModule(
  stream: AsyncIterable<Uint8Array>,
  { path, name, sha256, onBytes }: SaveOptions,
): Promise<SavedModule> {
  const saving = <T>(step: Promise<T>) =>
    step.catch((error: unknown) => Promise.reject(saveError(path, error)));

  await saving(Deno.mkdir(dirname(path), { recursive: true }));
  await removeStaleParts(path);
  await using file = await saving(AtomicFile.create(path, { mode: 0o644 }));
  const hash = createHash("sha256");
  const walk = new SectionWalk();
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > maxBytes) {
      throw new CapsuleError("NOT_A_MODULE", `${name} has over ${maxBytes} bytes`);
    }
    walk.push(piece);
    // A page that says "not found" is refused at its first piece.
    if (walk.isBroken) break;
    hash.update(piece);
    await saving(file.write(piece));
    onBytes?.(piece.length);
  }
  const fault = walk.fault(name);
  if (fault) throw fault;
  const digest = hash.digest("hex");
  if (sha256 !== undefined && digest !== sha256) {
    throw new CapsuleError(
      "DIGEST",
      `${name} is not the expected module: -sha256=${sha256}, but it has ${digest}`,
    );
  }
  await saving(file.commit());
  return { sha256: digest, size };
}

/** Removes the partial files of killed downloads to a path. */
async function removeStaleParts(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith(`.${basename(path)}.`) || !name.endsWith(".part")) continue;
      const { mtime } = await Deno.stat(join(folder, name));
      if (mtime && Date.now() - mtime.getTime() > staleMs) await Deno.remove(join(folder, name));
    }
  } catch {
    // Best effort: what cannot be listed or removed only takes space.
  }
}

function saveError(path: string, error: unknown): CapsuleError {
  const reason = error instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : error instanceof Deno.errors.IsADirectory
    ? "it is a directory"
    : error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.AlreadyExists
    ? "a part of its path is a file"
    : messageOf(error);
  return new CapsuleError("SAVE", `cannot save the module at ${path}: ${reason}`, { cause: error });
}
