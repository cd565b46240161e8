import { createHash } from "node:crypto";
import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Env, Output } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { type Credentials, dockerCredentials } from "./docker_credentials.ts";
import { ModuleCache } from "./module_cache.ts";
import { type Layer, readImage } from "./oci_image.ts";
import { type OciReference, parseOciReference, shownReference } from "./oci_reference.ts";
import { OciTransport, RegistryAnswerError } from "./oci_transport.ts";
import { progressBar } from "./progress_bar.ts";
import { tarEntry } from "./tar_entry.ts";
import { layerKind } from "./wasm_layer.ts";

/** `-url=oci://…`, and what a pull needs of the world. */
export interface PullOptions {
  url: string;
  cacheFolder: string;
  /** The digest that the module must have: 64 hexadecimal digits. */
  sha256?: string;
  insecure?: boolean;
  /** Where Docker's configuration is looked for, unless `credentials` says what to show. */
  env: Env;
  credentials?: Credentials;
  stderr: Output;
  log: Log;
}

/** Where the module of a reference lies now. */
export interface Pulled {
  path: string;
  sha256: string;
  /** `cached`: nobody was asked, or nobody answered. */
  how: "downloaded" | "unchanged" | "cached";
}

const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const maxManifestBytes = 4 * 1024 * 1024;
const maxModuleBytes = 1024 ** 3;

/**
 * Fetches the module that an OCI reference points to into the cache, checked against its digest at every step. A reference by digest that is in the cache
 * needs no registry; a tag is asked for each time, and the copy goes on, with a warning, when the registry is away.
 *
 * @throws CapsuleError `URL`, `REGISTRY`, `DOWNLOAD`, `CREDENTIALS`, `NOT_A_MODULE`, `DIGEST`, `SAVE`
 */
export async function pullModule(options: PullOptions): Promise<Pulled> {
  const reference = parseOciReference(options.url);
  const name = shownReference(reference);
  const cache = new ModuleCache(options.cacheFolder);
  const known = await cache.recall(name);
  const usable = known !== undefined && (options.sha256 ?? known.sha256) === known.sha256 &&
    await cache.has(known.sha256);
  const cached = (how: Pulled["how"], sha256: string): Pulled => ({
    path: cache.path(sha256),
    sha256,
    how,
  });
  if (options.sha256 !== undefined && await cache.has(options.sha256)) {
    return cached("cached", options.sha256);
  }
  // A digest is for ever.
  if (usable && reference.digest !== undefined) return cached("cached", known.sha256);

  try {
    const pull = new Pull(reference, options, cache);
    const image = await pull.manifest();
    if (usable && known.manifest === image.digest) return cached("unchanged", known.sha256);
    if (known !== undefined && known.manifest !== image.digest) {
      options.log.info(`${name} has moved: it was ${known.manifest}, and is ${image.digest} now`);
    }
    const sha256 = await pull.module(image.layers);
    await cache.remember(name, { manifest: image.digest, sha256 });
    return cached("downloaded", sha256);
  } catch (error) {
    if (!usable || !isAway(error)) throw error;
    options.log.warn(`${messageOf(error)}; going on with the copy pulled earlier`);
    return cached("cached", known.sha256);
  }
}

/** No answer, or one that says "later"; not a refusal. */
function isAway(error: unknown): boolean {
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

  /** The manifest of the image; of an index, the one for WebAssembly. */
  async manifest(): Promise<{ digest: string; layers: Layer[] }> {
    const { tag = "", digest } = this.#reference;
    const first = await this.#fetchManifest(digest ?? tag, digest);
    const image = readImage(first.bytes, this.#name);
    if (image.kind === "image") return { digest: first.digest, layers: image.layers };
    const chosen = await this.#fetchManifest(image.module.digest, image.module.digest);
    const inner = readImage(chosen.bytes, this.#name);
    if (inner.kind !== "image") throw this.#noModule("its index leads to another index");
    return { digest: first.digest, layers: inner.layers };
  }

  /** The module in the layers, in the cache. */
  async module(layers: readonly Layer[]): Promise<string> {
    const modules = layers.filter((layer) => layerKind(layer) === "module");
    if (modules.length > 1) throw this.#noModule(`it has ${modules.length} of them`);
    if (modules[0]) return await this.#pullLayer(modules[0]);
    const archives = layers.filter((layer) => layerKind(layer).startsWith("tar"));
    const found: string[] = [];
    for (const layer of archives) {
      const sha256 = await this.#pullArchive(layer);
      if (sha256 !== undefined) found.push(sha256);
    }
    if (found.length === 1 && found[0] !== undefined) return found[0];
    throw this.#noModule(
      found.length === 0 ? "it has no .wasm in its layers" : "it has several .wasm",
    );
  }

  async #pullLayer(layer: Layer): Promise<string> {
    const bar = await progressBar(this.#options.stderr, this.#name);
    try {
      bar.start(layer.size);
      const options = { what: this.#name, sha256: this.#options.sha256, onBytes: bar.add };
      return await this.#cache.add(this.#blob(layer), options);
    } finally {
      bar.stop();
    }
  }

  async #pullArchive(layer: Layer): Promise<string | undefined> {
    const packed = ReadableStream.from(this.#blob(layer));
    const unpacked = layerKind(layer) === "tar"
      ? packed
      : packed.pipeThrough(new DecompressionStream("gzip"));
    // A module is a few megabytes; a stream between the two would need its own end and its own errors.
    const pieces: Uint8Array[] = [];
    let count: number;
    try {
      count = await tarEntry(unpacked, {
        wanted: (name) => name.endsWith(".wasm"),
        maxBytes: maxModuleBytes,
        write: (piece) => void pieces.push(piece.slice()),
      });
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) {
        throw this.#noModule(`its layer ${layer.digest} cannot be unpacked: ${messageOf(error)}`);
      }
      throw error;
    }
    if (count === 0) return undefined;
    if (count > 1) throw this.#noModule("it has several .wasm");
    const options = { what: this.#name, sha256: this.#options.sha256 };
    return await this.#cache.add(ReadableStream.from(pieces), options);
  }

  /** The bytes of a blob; they end with an error unless they have the length and the digest that the manifest names. */
  async *#blob({ digest, size }: Layer): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const path = `/v2/${this.#reference.repository}/blobs/${digest}`;
    const response = await this.#transport.request(path, {}, [200]);
    const hash = createHash(digest.startsWith("sha512:") ? "sha512" : "sha256");
    let received = 0;
    try {
      for await (const piece of response.body ?? []) {
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
        {
          cause: error,
        },
      );
    }
    const sum = hash.digest("hex");
    if (received !== size || !digest.endsWith(`:${sum}`)) {
      throw new CapsuleError(
        "DIGEST",
        `${this.#name} is not what its manifest says: ${digest} of ${size} bytes, but ${received} bytes came with ${sum}`,
      );
    }
  }

  async #fetchManifest(
    which: string,
    expected: string | undefined,
  ): Promise<{ bytes: Uint8Array; digest: string }> {
    const path = `/v2/${this.#reference.repository}/manifests/${which}`;
    const response = await this.#transport.request(path, {
      headers: { accept: manifestTypes.join(", ") },
    }, [
      200,
    ]);
    const bytes = await limited(response, maxManifestBytes, this.#name);
    const said = expected ?? response.headers.get("docker-content-digest") ?? undefined;
    const algorithm = said?.startsWith("sha512:") ? "sha512" : "sha256";
    const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
    if (said !== undefined && said !== digest) {
      throw new CapsuleError(
        "DIGEST",
        `the manifest of ${this.#name} is not ${said}, but ${digest}`,
      );
    }
    return { bytes, digest };
  }

  #noModule(why: string): CapsuleError {
    return new CapsuleError(
      "NOT_A_MODULE",
      `${this.#name} holds no module that could be run: ${why}`,
    );
  }
}

async function limited(response: Response, maxBytes: number, what: string): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for await (const piece of response.body ?? []) {
      size += piece.length;
      if (size > maxBytes) break;
      pieces.push(piece);
    }
  } catch (error) {
    throw new CapsuleError("DOWNLOAD", `the manifest of ${what} broke off: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (size > maxBytes) {
    throw new CapsuleError("DOWNLOAD", `the manifest of ${what} is over ${maxBytes} bytes`);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
