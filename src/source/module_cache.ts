import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { syncFolder, writeFileAtomically } from "../base/atomic_file.ts";
import { type Env, userCacheFolder } from "../base/io.ts";
import { isObject } from "../base/json.ts";
import { isSha256 } from "./digest.ts";
import { saveModule, type SaveOptions } from "./save_module.ts";
import { sha256OfFile } from "./saved_copy.ts";

/** The manifest and module of a reference when it was last resolved. */
export interface CachedReference {
  /** The manifest's digest. */
  manifest: string;
  /** The module's digest: 64 hexadecimal digits. */
  sha256: string;
}

/**
 * A folder of modules by their digest, and of resolved references. Every file is written
 * atomically, so that processes can share the folder.
 */
export class ModuleCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the path of the module with a digest, cached or not. */
  path(sha256: string): string {
    return join(this.#folder, "sha256", `${sha256}.wasm`);
  }

  /** Reports whether the module is cached and intact. */
  async has(sha256: string): Promise<boolean> {
    return await sha256OfFile(this.path(sha256)) === sha256;
  }

  /**
   * Adds a module and returns its digest.
   *
   * @throws CapsuleError `NOT_A_MODULE`, `DIGEST`, `SAVE`; the stream's errors.
   */
  async add(
    stream: AsyncIterable<Uint8Array>,
    options: Omit<SaveOptions, "path">,
  ): Promise<string> {
    // The digest is known at the end of the stream only.
    const unnamed = join(this.#folder, "sha256", `incoming-${crypto.randomUUID()}`);
    const { sha256 } = await saveModule(stream, { path: unnamed, ...options });
    await Deno.rename(unnamed, this.path(sha256));
    await syncFolder(dirname(unnamed));
    return sha256;
  }

  /** Removes a module, if it is cached. */
  async remove(sha256: string): Promise<void> {
    await Deno.remove(this.path(sha256)).catch(() => {});
  }

  /** Returns what a reference resolved to last; `undefined` if that is unknown. */
  async recall(reference: string): Promise<CachedReference | undefined> {
    try {
      const value: unknown = JSON.parse(await Deno.readTextFile(this.#referencePath(reference)));
      if (!isObject(value)) return undefined;
      const { manifest, sha256 } = value;
      if (typeof manifest !== "string" || typeof sha256 !== "string" || !isSha256(sha256)) {
        return undefined;
      }
      return { manifest, sha256 };
    } catch {
      return undefined;
    }
  }

  /**
   * Records what a reference resolved to.
   *
   * @throws the file system's error.
   */
  async remember(reference: string, cached: CachedReference): Promise<void> {
    const path = this.#referencePath(reference);
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, JSON.stringify({ reference, ...cached }) + "\n");
  }

  #referencePath(reference: string): string {
    const hash = createHash("sha256").update(reference).digest("hex");
    return join(this.#folder, "references", `${hash}.json`);
  }
}

/** Returns the folder that holds the cache unless `-cache` names another one. */
export function defaultCacheFolder(env: Env): string {
  return join(userCacheFolder(env) ?? join(".cache", "capsule"), "modules");
}
