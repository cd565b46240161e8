import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { defaultCacheFolder } from "../source/module_cache.ts";
import { saveModule } from "../source/save_module.ts";
import { sha256OfFile } from "../source/saved_copy.ts";
import type { Context } from "../base/context.ts";

/** The source of a module, and the path at which it is saved. */
export interface FetchUrlOptions {
  url: string;
  /** The path of `-wasm`. A module from `oci:` needs none: it is used from the cache. */
  wasm: string | undefined;
  sha256: string | undefined;
  cache: string | undefined;
  insecure: boolean;
}

/**
 * Downloads the module of `-url`, unless a saved copy is current, and returns its path.
 *
 * @throws UsageError without a path to save at; CapsuleError as `fetchModule` and `pullModule` do.
 */
export async function fetchUrl(options: FetchUrlOptions, { io, log }: Context): Promise<string> {
  const { url, sha256, wasm } = options;
  const path = wasm === undefined ? undefined : resolve(io.cwd(), wasm);
  if (!url.startsWith("oci:")) {
    if (path === undefined) {
      throw new UsageError("-url also needs -wasm=PATH");
    }
    const { fetchModule } = await import("../source/fetch_module.ts");
    await fetchModule({ url, path, sha256, stderr: io.stderr, log });
    return path;
  }
  const { pullModule } = await import("../oci/pull_module.ts");
  const cacheFolder = resolve(io.cwd(), options.cache ?? defaultCacheFolder(io.env));
  const { insecure } = options;
  const pulled = await pullModule({
    url,
    sha256,
    insecure,
    cacheFolder,
    env: io.env,
    stderr: io.stderr,
    log,
  });
  if (path === undefined) return pulled.path;
  if (await sha256OfFile(path) !== pulled.sha256) {
    const file = await Deno.open(pulled.path);
    await saveModule(file.readable, { path, name: url, sha256: pulled.sha256 });
  }
  return path;
}
