import { join } from "node:path";
import { CapsuleError } from "../../base/errors.ts";
import type { Env, Output } from "../../base/io.ts";
import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import {
  defaultDownloadTimeouts,
  DownloadRefused,
  type DownloadTimeouts,
  httpDownload,
} from "../../source/http_download.ts";
import { ModuleCache } from "../../source/module_cache.ts";
import { pullModule } from "../../oci/pull_module.ts";
import { RegistryAnswerError } from "../../oci/transport.ts";

/** Options of `Modules`. */
export interface ModulesOptions {
  /** The folder of the modules, each named by its digest. */
  readonly folder: string;
  /** The only registry that receives the token. */
  readonly registry?: { readonly url: string; readonly token?: string };
  /** Locates Docker's configuration. */
  readonly env: Env;
  readonly log: Log;
  readonly timeouts?: DownloadTimeouts;
}

/** The modules of all deployments. A deployment keeps its module when its URL changes. */
export class Modules {
  readonly #options: ModulesOptions;
  readonly #kept: ModuleCache;

  constructor(options: ModulesOptions) {
    this.#options = options;
    this.#kept = new ModuleCache(options.folder);
  }

  /** Returns the path of a module. */
  path(sha256: string): string {
    return this.#kept.path(sha256);
  }

  /**
   * Downloads the module of a URL and returns its digest. Downloads nothing if a digest is given
   * whose module is here already.
   *
   * @throws HttpError `MODULE_NOT_FOUND`, `NOT_A_MODULE`, `WRONG_DIGEST`, `DOWNLOAD_FAILED`,
   * `MODULE_NOT_SAVED`
   */
  async fetch(url: string, sha256?: string): Promise<string> {
    if (sha256 !== undefined && await this.#kept.has(sha256)) return sha256;
    try {
      return url.startsWith("oci:")
        ? await this.#pull(url, sha256)
        : await this.#download(url, sha256);
    } catch (error) {
      throw error instanceof CapsuleError ? downloadFailure(error) : error;
    }
  }

  /** Removes all modules except for these. */
  async keepOnly(digests: ReadonlySet<string>): Promise<void> {
    const folder = join(this.#options.folder, "sha256");
    try {
      for await (const { name } of Deno.readDir(folder)) {
        const [, digest] = /^([0-9a-f]{64})\.wasm$/.exec(name) ?? [];
        if (digest !== undefined && !digests.has(digest)) await this.#kept.remove(digest);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #download(url: string, sha256: string | undefined): Promise<string> {
    const { registry, timeouts = defaultDownloadTimeouts } = this.#options;
    const isOurs = registry !== undefined && new URL(registry.url).origin === new URL(url).origin;
    const saved = await httpDownload(new URL(url), {
      take: ({ stream }) => this.#kept.add(stream, { name: url, sha256 }),
      signal: new AbortController().signal,
      timeouts,
      token: isOurs ? registry.token : undefined,
    });
    if (saved === undefined) {
      throw new CapsuleError("DOWNLOAD", `${url} responds 304 to an unconditional request`);
    }
    return saved;
  }

  async #pull(url: string, sha256: string | undefined): Promise<string> {
    const { registry, folder, env, log } = this.#options;
    // A new folder: the cached digest of a tag may be out of date.
    const cacheFolder = join(folder, `pull-${crypto.randomUUID()}`);
    const isOurs = registry?.token !== undefined &&
      new URL(registry.url).host === new URL(url).host;
    try {
      const pulled = await pullModule({
        url,
        sha256,
        cacheFolder,
        env,
        log,
        stderr: silent,
        credentials: isOurs
          ? { kind: "password", username: "capsule", password: registry.token }
          : undefined,
      });
      const file = await Deno.open(pulled.path);
      return await this.#kept.add(file.readable, { name: url, sha256 });
    } finally {
      await Deno.remove(cacheFolder, { recursive: true }).catch(() => {});
    }
  }
}

const silent: Output = { write: () => {}, isTerminal: () => false };

/** Converts the failure of a download to a response. */
function downloadFailure(error: CapsuleError): HttpError {
  const more = { step: "fetch" };
  const options = { cause: error, more };
  const isRefused = error instanceof DownloadRefused || error instanceof RegistryAnswerError;
  if (isRefused && (error.status === 404 || error.status === 410)) {
    return new HttpError(404, "MODULE_NOT_FOUND", error.message, options);
  }
  switch (error.code) {
    case "NOT_A_MODULE":
      return new HttpError(422, "NOT_A_MODULE", error.message, options);
    case "DIGEST":
      return new HttpError(422, "WRONG_DIGEST", error.message, options);
    case "SAVE":
      return new HttpError(507, "MODULE_NOT_SAVED", error.message, options);
    default:
      return new HttpError(502, "DOWNLOAD_FAILED", error.message, options);
  }
}
