import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { assertModule } from "./module_header.ts";

/** What was saved. */
export interface SavedModule {
  /** 64 hexadecimal digits. */
  sha256: string;
  size: number;
}

/** Where to save, and what it must be. */
export interface SaveOptions {
  path: string;
  /** The name of the bytes in messages, such as their URL. */
  name: string;
  /** Bytes of another digest are not saved. */
  sha256?: string;
  /** Called with every piece's length, for a progress bar. */
  onBytes?: (length: number) => void;
}

/** A module that large is a mistake, or somebody who fills the disk. */
const maxBytes = 1024 ** 3;
/** What a download leaves behind when its process is killed, and how old it must be to be no other process's. */
const leftoverMs = 60 * 60 * 1000;

/**
 * Saves a stream as the module at `path`: whole and checked, or not at all. It is written beside the target, synchronised, and renamed
 * over it, so that what was there stays until the new one is there. Parent folders are made.
 *
 * @throws CapsuleError `NOT_A_MODULE`, `DIGEST`, `SAVE` for the file system's refusals; the stream's errors pass through.
 */
export async function saveModule(
  stream: AsyncIterable<Uint8Array>,
  options: SaveOptions,
): Promise<SavedModule> {
  const { path, name, sha256, onBytes } = options;
  const folder = dirname(path);
  const saving = <T>(step: Promise<T>) =>
    step.catch((error: unknown) => Promise.reject(cannotSave(path, error)));

  await saving(Deno.mkdir(folder, { recursive: true }));
  await sweep(folder, basename(path));
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID()}.part`);
  const file = await saving(Deno.open(temporary, { write: true, createNew: true, mode: 0o644 }));
  let renamed = false;
  try {
    const hash = createHash("sha256");
    let head = new Uint8Array(0);
    let size = 0;
    for await (const chunk of stream) {
      if (head.length < 8) {
        head = Uint8Array.of(...head, ...chunk.subarray(0, 8 - head.length));
        // A page that says "not found" is refused at its first piece, not after all of it.
        if (head.length >= 8) assertModule(head, name);
      }
      size += chunk.length;
      if (size > maxBytes) {
        throw new CapsuleError(
          "NOT_A_MODULE",
          `${name} is over ${maxBytes} bytes, which no module is`,
        );
      }
      hash.update(chunk);
      for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await saving(file.write(rest)));
      onBytes?.(chunk.length);
    }
    assertModule(head, name);
    const digest = hash.digest("hex");
    if (sha256 !== undefined && digest !== sha256) {
      throw new CapsuleError(
        "DIGEST",
        `${name} is not the module asked for: -sha256=${sha256}, but it has ${digest}`,
      );
    }
    await saving(file.sync());
    await saving(Deno.rename(temporary, path));
    renamed = true;
    await syncFolder(folder);
    return { sha256: digest, size };
  } finally {
    file.close();
    if (!renamed) await Deno.remove(temporary).catch(() => {});
  }
}

/** Makes the rename itself survive a power cut; where a folder cannot be opened, the system sees to it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // Windows, and some network file systems.
  }
}

/** Removes what killed downloads of this file left. */
async function sweep(folder: string, name: string): Promise<void> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.startsWith(`.${name}.`) || !entry.name.endsWith(".part")) continue;
      const path = join(folder, entry.name);
      const { mtime } = await Deno.stat(path);
      if (mtime !== null && Date.now() - mtime.getTime() > leftoverMs) await Deno.remove(path);
    }
  } catch {
    // What cannot be listed or removed is left: it harms nothing.
  }
}

function cannotSave(path: string, error: unknown): CapsuleError {
  const reason = error instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : error instanceof Deno.errors.IsADirectory
    ? "it is a directory"
    : error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.AlreadyExists
    ? "a part of its path is a file"
    : messageOf(error);
  return new CapsuleError("SAVE", `cannot save the module at ${path}: ${reason}`, { cause: error });
}
