import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Env } from "../base/io.ts";
import { userCacheFolder } from "../base/paths.ts";
import { isSha256 } from "./digest.ts";
import { saveModule } from "./save_module.ts";
import { sha256OfFile } from "./saved_copy.ts";

/** What a reference pointed to when it was last asked. */
export interface CachedReference {
  /** Of the manifest. */
  manifest: string;
  /** Of the module: 64 hexadecimal digits. */
  sha256: string;
}

/**
 * Modules by their digest, and what references pointed to. Every file is written beside its place and renamed, so that processes share the folder
 * without knowing of each other.
 */
export class ModuleCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(sha256: string): string {
    return join(this.#folder, "sha256", `${sha256}.wasm`);
  }

  /** Whether the module is there, and is what its name says: a file that was changed is none. */
  async has(sha256: string): Promise<boolean> {
    return await sha256OfFile(this.path(sha256)) === sha256;
  }

  /** @throws CapsuleError `NOT_A_MODULE`, `SAVE`; the stream's errors. */
  async add(
    stream: AsyncIterable<Uint8Array>,
    options: { name: string; sha256?: string; onBytes?: (length: number) => void },
  ): Promise<string> {
    // Which digest it has is known at its end only; the name is nobody else's until then.
    const unnamed = join(this.#folder, "sha256", `incoming-${crypto.randomUUID()}`);
    const { sha256 } = await saveModule(stream, { path: unnamed, ...options });
    await Deno.rename(unnamed, this.path(sha256));
    return sha256;
  }

  async remove(sha256: string): Promise<void> {
    await Deno.remove(this.path(sha256)).catch(() => {});
  }

  async recall(reference: string): Promise<CachedReference | undefined> {
    try {
      const value: unknown = JSON.parse(await Deno.readTextFile(this.#referencePath(reference)));
      if (typeof value !== "object" || value === null) return undefined;
      const { manifest, sha256 }: { manifest?: unknown; sha256?: unknown } = value;
      if (
        typeof manifest !== "string" || typeof sha256 !== "string" || !isSha256(sha256)
      ) {
        return undefined;
      }
      return { manifest, sha256 };
    } catch {
      return undefined;
    }
  }

  async remember(reference: string, cached: CachedReference): Promise<void> {
    const path = this.#referencePath(reference);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    const temporary = `${path}.${crypto.randomUUID()}.part`;
    await Deno.writeTextFile(temporary, JSON.stringify({ reference, ...cached }) + "\n");
    await Deno.rename(temporary, path);
  }

  #referencePath(reference: string): string {
    return join(
      this.#folder,
      "references",
      `${createHash("sha256").update(reference).digest("hex")}.json`,
    );
  }
}

/** Where modules are kept when `-cache` does not say. */
export function defaultCacheFolder(env: Env): string {
  return join(userCacheFolder(env) ?? join(".cache", "capsule"), "modules");
}
