import { createHash } from "node:crypto";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Env, Output } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { algorithmOf, type Digest, digestOf } from "../source/digest.ts";
import { ModuleCache } from "../source/module_cache.ts";
import { progressBar } from "../source/progress_bar.ts";
import { type Credentials, dockerCredentials } from "./docker_credentials.ts";
import { layerKind } from "./layer_kind.ts";
import {
  type Manifest,
  manifestMediaTypes,
  maxManifestBytes,
  type OciDescriptor,
  parseManifest,
} from "./manifest.ts";
import { ArchiveError, moduleInArchive } from "./module_in_archive.ts";
import { readFirstBytes, responsePieces } from "./response_body.ts";
import { type OciReference, parseOciReference, shownReference } from "./reference.ts";
import { OciTransport, RegistryAnswerError } from "./transport.ts";

/** The options of a pull, and the parts of the process that it uses. */
export interface PullOptions {
  /** `oci://…` */
  url: string;
  cacheFolder: string;
  /** The digest that the module must have: 64 hexadecimal digits. */
  sha256?: string;
  /** Plain HTTP for a host that is not this machine. */
  insecure?: boolean;
  /** Locates Docker's configuration; not used with `credentials`. */
  env: Env;
  credentials?: Credentials;
  /** The time to wait for the next piece of a manifest or blob; 30 s by default. */
  idleMs?: number;
  stderr: Output;
  log: Log;
}

/** A module in the cache. */
export interface PulledModule {
  path: string;
  sha256: string;
  /** `cached`: the registry was not asked, or did not answer. */
  outcome: "downloaded" | "unchanged" | "cached";
}

const maxModuleBytes = 1024 ** 3;

/**
 * Fetches the module of an OCI reference into the cache, with its digest checked at every step.
 *
 * A digest, of the reference or of the module, that is in the cache needs no registry. A tag is
 * resolved each time; where the registry is unavailable the cached copy is used, with a warning.
 *
 * @throws CapsuleError `URL`, `REGISTRY`, `DOWNLOAD`, `CREDENTIALS`, `NOT_A_MODULE`, `DIGEST`,
 * `SAVE`
 */
export async function pullModule(options: PullOptions): Promise<PulledModule> {
  const reference = parseOciReference(options.url);
  const name = shownReference(reference);
  const cache = new ModuleCache(options.cacheFolder);
  const known = await cache.recall(name);
  const isUsable = known !== undefined && (options.sha256 ?? known.sha256) === known.sha256 &&
    await cache.has(known.sha256);
  const inCache = (outcome: PulledModule["outcome"], sha256: string): PulledModule => ({
    path: cache.path(sha256),
    sha256,
    outcome,
  });
  if (options.sha256 !== undefined && await cache.has(options.sha256)) {
    return inCache("cached", options.sha256);
  }
  if (isUsable && reference.digest !== undefined) return inCache("cached", known.sha256);

  try {
    const pull = new Pull(reference, options, cache);
    const image = await pull.manifest();
    if (isUsable && known.manifest === image.digest) return inCache("unchanged", known.sha256);
    if (known !== undefined && known.manifest !== image.digest) {
      options.log.info(`${name} has moved: it was ${known.manifest}, and is ${image.digest} now`);
    }
    const sha256 = await pull.module(image.layers);
    await cache.remember(name, { manifest: image.digest, sha256 });
    return inCache("downloaded", sha256);
  } catch (error) {
    if (!isUsable || !isUnavailable(error)) throw error;
    options.log.warn(`${messageOf(error)}; using the copy pulled earlier`);
    return inCache("cached", known.sha256);
  }
}

/** Reports whether an error means that the registry did not answer, or asked to retry later. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof RegistryAnswerError) return error.status === 429 || error.status >= 500;
  return error instanceof CapsuleError && error.code === "DOWNLOAD";
}

class Pull {
  readonly #reference: OciReference;
  readonly #options: PullOptions;
  readonly #cache: ModuleCache;
  readonly #transport: OciTransport;
  readonly #name: string;

  constructor(reference: OciReference, options: PullOptions, cache: ModuleCache) {
    this.#reference = reference;
    this.#options = options;
    this.#cache = cache;
    this.#name = shownReference(reference);
    this.#transport = new OciTransport({
      host: reference.host,
      insecure: options.insecure,
      credentials: () =>
        options.credentials
          ? Promise.resolve(options.credentials)
          : dockerCredentials(reference.host, options.env),
    });
  }

  /** Fetches the image's manifest; of an index, the manifest for WebAssembly. */
  async manifest(): Promise<{ digest: Digest; layers: readonly OciDescriptor[] }> {
    const { tag = "", digest } = this.#reference;
    const first = await this.#fetchManifest(digest ?? tag, digest);
    const { manifests, layers } = first.manifest;
    if (manifests === undefined) {
      if (layers === undefined) throw this.#unusable("it has neither layers nor manifests");
      return { digest: first.digest, layers };
    }
    const chosen = wasmManifest(manifests) ??
      (manifests.length === 1 ? manifests[0] : undefined);
    if (chosen === undefined) {
      throw this.#unusable(`none of its ${manifests.length} manifests is for WebAssembly`);
    }
    const { manifest } = await this.#fetchManifest(chosen.digest, chosen.digest);
    if (manifest.layers === undefined) throw this.#noModule("its index leads to another index");
    return { digest: first.digest, layers: manifest.layers };
  }

  /** Adds the module in the layers to the cache and returns its SHA-256. */
  async module(layers: readonly OciDescriptor[]): Promise<string> {
    const modules = layers.filter((layer) => layerKind(layer) === "module");
    if (modules.length > 1) throw this.#noModule(`it has ${modules.length} of them`);
    if (modules[0]) return await this.#pullLayer(modules[0]);
    const found: string[] = [];
    for (const layer of layers.filter((layer) => layerKind(layer).startsWith("tar"))) {
      const sha256 = await this.#pullArchive(layer);
      if (sha256 !== undefined) found.push(sha256);
    }
    if (found.length === 1 && found[0] !== undefined) return found[0];
    throw this.#noModule(
      found.length === 0 ? "it has no .wasm in its layers" : "it has several .wasm",
    );
  }

  async #pullLayer(layer: OciDescriptor): Promise<string> {
    const bar = await progressBar(this.#options.stderr, this.#name);
    try {
      bar.start(layer.size);
      const { sha256 } = this.#options;
      return await this.#cache.add(this.#blob(layer), {
        name: this.#name,
        sha256,
        onBytes: bar.add,
      });
    } finally {
      bar.stop();
    }
  }

  async #pullArchive(layer: OciDescriptor): Promise<string | undefined> {
    const name = this.#name;
    const { sha256 } = this.#options;
    let added: string | undefined;
    try {
      const count = await moduleInArchive(this.#blob(layer), {
        isGzip: layerKind(layer) === "tar+gzip",
        maxBytes: maxModuleBytes,
        take: async (content) => {
          added = await this.#cache.add(content, { name, sha256 });
        },
      });
      if (count > 1) throw this.#noModule("it has several .wasm");
      return added;
    } catch (error) {
      // The archive's own digest is checked at its end only.
      if (added !== undefined) await this.#cache.remove(added);
      if (!(error instanceof ArchiveError)) throw error;
      throw this.#noModule(`its layer ${layer.digest} cannot be unpacked: ${error.message}`);
    }
  }

  /** Streams a blob. Throws `DIGEST` at its end if its size or digest is not the descriptor's. */
  async *#blob({ digest, size }: OciDescriptor): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const path = `/v2/${this.#reference.repository}/blobs/${digest}`;
    const response = await this.#transport.request(path, {}, [200]);
    const hash = createHash(algorithmOf(digest));
    let received = 0;
    try {
      for await (const piece of responsePieces(response, this.#options.idleMs)) {
        received += piece.length;
        if (received > size) break;
        hash.update(piece);
        yield piece;
      }
    } catch (error) {
      if (error instanceof CapsuleError) throw error;
      throw new CapsuleError(
        "DOWNLOAD",
        `the download of ${this.#name} broke off: ${messageOf(error)}`,
        { cause: error },
      );
    }
    const sum = hash.digest("hex");
    if (received !== size || !digest.endsWith(`:${sum}`)) {
      throw new CapsuleError(
        "DIGEST",
        `${this.#name} does not match its manifest: expected ${digest} of ${size} bytes, received ${received} bytes with ${sum}`,
      );
    }
  }

  async #fetchManifest(
    tagOrDigest: string,
    expected: Digest | undefined,
  ): Promise<{ manifest: Manifest; digest: Digest }> {
    const path = `/v2/${this.#reference.repository}/manifests/${tagOrDigest}`;
    const headers = { accept: manifestMediaTypes.join(", ") };
    const response = await this.#transport.request(path, { headers }, [200]);
    const bytes = await this.#readManifest(response);
    const header = response.headers.get("docker-content-digest");
    const declared = expected ?? header ?? undefined;
    const digest = digestOf(bytes, declared?.startsWith("sha512:") ? "sha512" : "sha256");
    if (declared !== undefined && declared !== digest) {
      throw new CapsuleError(
        "DIGEST",
        `the manifest of ${this.#name} is not ${declared}, but ${digest}`,
      );
    }
    try {
      return { manifest: parseManifest(bytes), digest };
    } catch (error) {
      if (error instanceof CapsuleError) throw this.#unusable(error.message, error);
      throw error;
    }
  }

  async #readManifest(response: Response): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = await readFirstBytes(response, maxManifestBytes, this.#options.idleMs);
    } catch (error) {
      const message = `the manifest of ${this.#name} broke off: ${messageOf(error)}`;
      throw new CapsuleError("DOWNLOAD", message, { cause: error });
    }
    if (bytes.length <= maxManifestBytes) return bytes;
    throw new CapsuleError(
      "DOWNLOAD",
      `the manifest of ${this.#name} is over ${maxManifestBytes} bytes`,
    );
  }

  #unusable(why: string, cause?: unknown): CapsuleError {
    return new CapsuleError(
      "NOT_A_MODULE",
      `the manifest of ${this.#name} cannot be used: ${why}`,
      { cause },
    );
  }

  #noModule(why: string): CapsuleError {
    return new CapsuleError(
      "NOT_A_MODULE",
      `${this.#name} contains no module that can be run: ${why}`,
    );
  }
}

function wasmManifest(manifests: readonly OciDescriptor[]): OciDescriptor | undefined {
  return manifests.find(({ platform }) =>
    platform !== undefined &&
    [platform.architecture, platform.os].some((part) => /^wasm|^wasi/.test(part))
  );
}
