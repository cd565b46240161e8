import { dirname, join } from "node:path";
import { syncFolder } from "../../base/atomic_file.ts";
import { isTag, type ModuleName } from "../../oci/names.ts";
import type { BlobFiles } from "./blob_files.ts";
import { orDiskFull } from "./blob_writer.ts";
import type { ModuleFacts } from "./catalog.ts";
import { splitRepository } from "./module_name.ts";

/** The paths of a module in its folder. */
export interface FoundModule extends ModuleName {
  path: string;
  infoPath: string;
}

/** A module's folder under a temporary name. */
export interface PreparedFolder {
  /**
   * Renames it to its final name and replaces an existing folder. Its space is already allocated.
   */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** The retries of a rename whose parent folder was removed meanwhile. */
const maxRetries = 10;

/**
 * The folders that show the modules: `<files>/k33g/hola/0.0.0/hola.wasm` and `hola.info`.
 *
 * A module's file is a hard link to its blob, so that it takes no space of its own, and read-only,
 * because a write would change the blob. Without hard links it is a copy.
 */
export class ModuleFolders {
  readonly #files: string;
  readonly #blobs: BlobFiles;

  constructor(files: string, blobs: BlobFiles) {
    this.#files = files;
    this.#blobs = blobs;
  }

  /**
   * Prepares the folder of a module.
   *
   * @throws HttpError 507 `DISK_FULL`: nothing has changed.
   */
  async prepare(name: ModuleName, { digest, info }: ModuleFacts): Promise<PreparedFolder> {
    const temporary = this.#blobs.temporaryPath();
    const infoPath = join(temporary, `${name.module}.info`);
    const abort = async () => {
      await remove(temporary);
      await this.#removeEmptyParents(name);
    };
    try {
      await Deno.mkdir(temporary);
      await this.#blobs.linkTo(digest, join(temporary, `${name.module}.wasm`));
      await Deno.writeTextFile(infoPath, `${info}\n`);
      using file = await Deno.open(infoPath);
      await file.sync();
      await Deno.mkdir(dirname(this.#folder(name)), { recursive: true });
    } catch (error) {
      await abort();
      orDiskFull(error);
    }
    return { abort, commit: () => this.#commit(name, temporary) };
  }

  /** Removes the folder of a module, if there is one. */
  async remove(name: ModuleName): Promise<void> {
    const removed = this.#blobs.temporaryPath();
    try {
      // It disappears atomically.
      await Deno.rename(this.#folder(name), removed);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    await remove(removed);
    await this.#removeEmptyParents(name);
  }

  /** Reports whether the file of a module is its blob. */
  holds(name: ModuleName, { digest, size }: ModuleFacts): boolean {
    try {
      const file = Deno.lstatSync(join(this.#folder(name), `${name.module}.wasm`));
      if (!file.isFile || file.size !== size) return false;
      const blob = Deno.lstatSync(this.#blobs.path(digest));
      return !this.#blobs.hasLinks || (blob.ino === file.ino && blob.dev === file.dev);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Yields the modules in the folders. The store's own folder, `.capsule`, is not a valid user
   * name.
   */
  *list(): Generator<FoundModule> {
    for (const user of foldersIn(this.#files)) {
      for (const module of foldersIn(join(this.#files, user))) {
        if (!splitRepository(`${user}/${module}`)) continue;
        for (const tag of foldersIn(join(this.#files, user, module))) {
          if (!isTag(tag)) continue;
          const base = join(this.#files, user, module, tag, module);
          yield { user, module, tag, path: `${base}.wasm`, infoPath: `${base}.info` };
        }
      }
    }
  }

  async #commit(name: ModuleName, temporary: string): Promise<void> {
    const folder = this.#folder(name);
    for (let retries = 0;; retries++) {
      await Deno.mkdir(dirname(folder), { recursive: true });
      try {
        await Deno.rename(temporary, folder);
        break;
      } catch (error) {
        // Another removal found the parent empty and removed it.
        if (error instanceof Deno.errors.NotFound && retries < maxRetries) continue;
        if (!isExisting(error)) throw error;
        // The module comes last: a start repairs the folder when it finds another module in it.
        for (const file of [`${name.module}.info`, `${name.module}.wasm`]) {
          await Deno.rename(join(temporary, file), join(folder, file));
        }
        await remove(temporary);
        break;
      }
    }
    await syncFolder(dirname(folder));
  }

  /** Removes the module's and the user's folder if they are empty. */
  async #removeEmptyParents(name: ModuleName): Promise<void> {
    const parent = dirname(this.#folder(name));
    for (const folder of [parent, dirname(parent)]) {
      try {
        await Deno.remove(folder);
      } catch {
        return;
      }
    }
  }

  #folder({ user, module, tag }: ModuleName): string {
    return join(this.#files, user, module, tag);
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists ||
    (error instanceof Error &&
      ["ENOTEMPTY", "EEXIST"].includes(String(Reflect.get(error, "code"))));
}

function* foldersIn(path: string): Generator<string> {
  try {
    for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
