import { dirname, join } from "node:path";
import type { BlobFiles } from "./blob_files.ts";
import type { ModuleFacts } from "./catalog.ts";
import { orDiskFull } from "./blob_writer.ts";
import { isTag, type ModuleName } from "../../oci/names.ts";
import { splitRepository } from "./module_name.ts";
import { syncFolder } from "../../base/atomic_file.ts";

/** A module that lies in its folder. */
export interface FoundModule extends ModuleName {
  path: string;
  infoPath: string;
}

/** A module's folder that is ready and not yet in its place. */
export interface PreparedFolder {
  /** Puts it in its place, where it replaces what was there. The room for it is there already. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * The modules where the description says that they lie: `<files>/k33g/hola/0.0.0/hola.wasm` and `hola.info`.
 *
 * A module's file is a hard link to its blob, not a copy: a module takes its room once however often it is tagged, and it appears without a byte being
 * written. It is read-only, since whoever wrote into it would change the blob. Where the file system has no links it is a copy.
 */
export class ModuleFolders {
  readonly #files: string;
  readonly #blobs: BlobFiles;

  constructor(files: string, blobs: BlobFiles) {
    this.#files = files;
    this.#blobs = blobs;
  }

  /** @throws HttpError 507 `DISK_FULL`, with nothing changed. */
  async prepare(name: ModuleName, { digest, info }: ModuleFacts): Promise<PreparedFolder> {
    const temporary = this.#blobs.temporary();
    const wasm = join(temporary, `${name.module}.wasm`);
    const text = join(temporary, `${name.module}.info`);
    const abort = async () => {
      await remove(temporary);
      await this.#removeEmptyParents(name);
    };
    try {
      await Deno.mkdir(temporary);
      await this.#blobs.place(digest, wasm);
      await Deno.writeTextFile(text, `${info}\n`);
      using file = await Deno.open(text);
      await file.sync();
      await Deno.mkdir(dirname(this.#folder(name)), { recursive: true });
    } catch (error) {
      await abort();
      orDiskFull(error);
    }
    return { abort, commit: () => this.#commit(name, temporary) };
  }

  async remove(name: ModuleName): Promise<void> {
    const folder = this.#folder(name);
    const gone = this.#blobs.temporary();
    try {
      await Deno.rename(folder, gone);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    await remove(gone);
    await this.#removeEmptyParents(name);
  }

  /** Whether the file of a module is the blob that it should be. */
  holds(name: ModuleName, { digest, size }: ModuleFacts): boolean {
    try {
      const file = Deno.lstatSync(join(this.#folder(name), `${name.module}.wasm`));
      if (!file.isFile || file.size !== size) return false;
      const blob = Deno.lstatSync(this.#blobs.path(digest));
      return !this.#blobs.links || (blob.ino === file.ino && blob.dev === file.dev);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return false;
      }
      throw error;
    }
  }

  /** Modules that lie there, whoever put them there; the blobs and the journal are in a folder that no user can be called. */
  *list(): Generator<FoundModule> {
    for (const user of folders(this.#files)) {
      for (const module of folders(join(this.#files, user))) {
        if (!splitRepository(`${user}/${module}`)) continue;
        for (const tag of folders(join(this.#files, user, module))) {
          if (!isTag(tag)) continue;
          const base = join(this.#files, user, module, tag, module);
          yield { user, module, tag, path: `${base}.wasm`, infoPath: `${base}.info` };
        }
      }
    }
  }

  async #commit(name: ModuleName, temporary: string): Promise<void> {
    const folder = this.#folder(name);
    for (let tries = 0;; tries++) {
      await Deno.mkdir(dirname(folder), { recursive: true });
      try {
        await Deno.rename(temporary, folder);
        break;
      } catch (error) {
        // Whoever left the parent empty took it away.
        if (error instanceof Deno.errors.NotFound && tries < 10) continue;
        if (!isThere(error)) throw error;
        // The module last: where a start finds another module than it expects, it puts both files in order.
        for (const file of [`${name.module}.info`, `${name.module}.wasm`]) {
          await Deno.rename(join(temporary, file), join(folder, file));
        }
        await remove(temporary);
        break;
      }
    }
    await syncFolder(dirname(folder));
  }

  /** The module's folder and the user's, if nothing is in them; another upload may just be using them. */
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

function isThere(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists ||
    (error instanceof Error &&
      ["ENOTEMPTY", "EEXIST"].includes(String(Reflect.get(error, "code"))));
}

function* folders(path: string): Generator<string> {
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
