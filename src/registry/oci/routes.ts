import type { Hono } from "hono";
import { HttpError } from "../../server/http_error.ts";
import { readBody } from "../../server/read_body.ts";
import { maxManifestBytes, mediaTypes } from "../../oci/manifest.ts";
import { isRepository, isTag } from "../../oci/names.ts";
import { ociErrorResponse } from "./errors.ts";
import { decodeReference, readDigest } from "./reference.ts";
import { OciUploads } from "./uploads.ts";
import { pageOf } from "../paging.ts";
import { referrersOf } from "./referrers.ts";
import { serveFile } from "../download/serve_file.ts";
import type { RegistryStore } from "../store/registry_store.ts";
import type { UploadSessions } from "./upload_sessions.ts";

/** What the protocol's handlers work on. */
export interface OciOptions {
  store: RegistryStore;
  sessions: UploadSessions;
}

/** A request for something in a repository. */
interface Call {
  request: Request;
  url: URL;
  repository: string;
  /** What follows the kind: a tag, a digest, the id of an upload. */
  reference: string;
}

/**
 * The OCI distribution protocol 1.1 under `/v2/`. A repository's name has any number of parts, so the paths are taken apart here.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
 */
export function addOciRoutes(app: Hono, options: OciOptions): void {
  const oci = new OciDistribution(options);
  const handle = async ({ req }: { req: { raw: Request } }) => {
    try {
      return await oci.handle(req.raw);
    } catch (error) {
      return await ociErrorResponse(req.raw, error);
    }
  };
  app.all("/v2", handle);
  app.all("/v2/*", handle);
}

class OciDistribution {
  readonly #store: RegistryStore;
  readonly #uploads: OciUploads;

  constructor({ store, sessions }: OciOptions) {
    this.#store = store;
    this.#uploads = new OciUploads(store, sessions);
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (/^\/v2\/?$/.test(url.pathname) && method === "GET") return answer(request, 200, "{}");
    if (url.pathname === "/v2/_catalog" && method === "GET") {
      return this.#repositories(request, url);
    }

    const [, repository = "", kind = "", reference = ""] =
      /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(url.pathname) ??
        [];
    if (kind === "") {
      throw new HttpError(404, "UNSUPPORTED", `there is no ${method} ${url.pathname}`);
    }
    if (!isRepository(repository)) {
      throw new HttpError(400, "NAME_INVALID", `"${repository}" is no name of a repository`);
    }
    const call: Call = { request, url, repository, reference: decodeReference(reference) };
    switch (`${method} ${kind}`) {
      case "GET blobs":
        return await this.#getBlob(call);
      case "DELETE blobs":
        return await this.#deleteBlob(call);
      case "GET manifests":
        return await this.#getManifest(call);
      case "PUT manifests":
        return await this.#putManifest(call);
      case "DELETE manifests":
        return await this.#deleteManifest(call);
      case "GET tags":
        return this.#tags(call);
      case "GET referrers":
        return await this.#referrers(call);
      case "POST blobs/uploads":
      case "GET blobs/uploads":
      case "PATCH blobs/uploads":
      case "PUT blobs/uploads":
      case "DELETE blobs/uploads":
        return await this.#uploads.handle({ ...call, method });
      default:
        throw new HttpError(
          405,
          "UNSUPPORTED",
          `${request.method} is nothing that can be done with ${kind}`,
        );
    }
  }

  #repositories(request: Request, url: URL): Response {
    const names = this.#store.catalog.repositories();
    const { page, headers } = pageOf(names, url, (name) => name);
    return answer(request, 200, JSON.stringify({ repositories: page }), headers);
  }

  async #getBlob({ request, repository, reference }: Call): Promise<Response> {
    const digest = readDigest(reference);
    const blob = this.#store.catalog.blob(digest);
    if (!blob || !this.#store.catalog.repository(repository)?.blobs.has(digest)) {
      throw new HttpError(404, "BLOB_UNKNOWN", `there is no blob ${digest} in ${repository}`);
    }
    // Whoever hears that it is there will not send it again.
    this.#store.catalog.touch(digest);
    return await serveFile(request, {
      path: this.#store.blobs.path(digest),
      size: blob.size,
      digest,
      contentType: "application/octet-stream",
      headers: { "cache-control": "private, max-age=31536000, immutable, no-transform" },
    });
  }

  async #deleteBlob({ repository, reference }: Call): Promise<Response> {
    const digest = readDigest(reference);
    if (!await this.#store.blobs.unlink(repository, digest)) {
      throw new HttpError(404, "BLOB_UNKNOWN", `there is no blob ${digest} in ${repository}`);
    }
    return new Response(null, { status: 202 });
  }

  async #getManifest({ request, repository, reference }: Call): Promise<Response> {
    const known = this.#store.catalog.repository(repository);
    if (!known) throw new HttpError(404, "NAME_UNKNOWN", `there is no repository ${repository}`);
    const manifest = reference.includes(":")
      ? known.manifests.get(readDigest(reference))
      : this.#store.catalog.tagged(repository, reference)?.manifest;
    if (!manifest) throw manifestUnknown(repository, reference);
    const { digest, size, mediaType } = manifest;
    const path = this.#store.blobs.path(digest);
    return await serveFile(request, {
      path,
      size,
      digest,
      contentType: mediaType,
    });
  }

  async #putManifest({ request, url, repository, reference }: Call): Promise<Response> {
    const bytes = await readManifestBody(request);
    const digest = reference.includes(":") ? readDigest(reference) : undefined;
    const tags = digest === undefined ? [reference] : url.searchParams.getAll("tag");
    for (const tag of tags) {
      if (!isTag(tag)) throw new HttpError(400, "MANIFEST_INVALID", `"${tag}" is not a tag`);
    }
    const contentType = request.headers.get("content-type");
    const record = await this.#store.putManifest(repository, bytes, { digest, contentType, tags });
    const headers = new Headers({
      location: `/v2/${repository}/manifests/${reference}`,
      "docker-content-digest": record.digest,
    });
    if (record.subject !== undefined) headers.set("oci-subject", record.subject);
    if (digest !== undefined) { for (const tag of tags) headers.append("oci-tag", tag); }
    return new Response(null, { status: 201, headers });
  }

  async #deleteManifest({ repository, reference }: Call): Promise<Response> {
    const gone = reference.includes(":")
      ? await this.#store.deleteManifest(repository, readDigest(reference))
      : await this.#store.deleteTag(repository, reference);
    if (!gone) throw manifestUnknown(repository, reference);
    return new Response(null, { status: 202 });
  }

  #tags({ request, url, repository, reference }: Call): Response {
    if (reference !== "list") {
      throw new HttpError(404, "UNSUPPORTED", `there is no ${url.pathname}`);
    }
    const known = this.#store.catalog.repository(repository);
    if (!known) throw new HttpError(404, "NAME_UNKNOWN", `there is no repository ${repository}`);
    const { page, headers } = pageOf(Array.from(known.tags.keys()).sort(), url, (tag) => tag);
    return answer(request, 200, JSON.stringify({ name: repository, tags: page }), headers);
  }

  async #referrers({ request, url, repository, reference }: Call): Promise<Response> {
    const subject = readDigest(reference);
    const known = this.#store.catalog.repository(repository);
    // Clients of registries without this API keep the list in an index under this tag.
    const fallback = known?.tags.get(reference.replace(":", "-").slice(0, 128))?.digest;
    const index = fallback && await this.#store.blobs.read(fallback);
    const wanted = url.searchParams.get("artifactType");
    const found = referrersOf(known, subject, index)
      .filter(({ artifactType }) => wanted === null || artifactType === wanted);
    const { page: manifests, headers: links } = pageOf(found, url, ({ digest }) => digest);
    const headers: Record<string, string> = { ...links, "content-type": mediaTypes.index };
    if (wanted !== null) headers["oci-filters-applied"] = "artifactType";
    const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
    return answer(request, 200, JSON.stringify(list), headers);
  }
}

async function readManifestBody(request: Request): Promise<Uint8Array> {
  try {
    return await readBody(request, maxManifestBytes);
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 413) throw error;
    throw new HttpError(
      413,
      "SIZE_INVALID",
      `a manifest may have at most ${maxManifestBytes} bytes`,
      {
        cause: error,
      },
    );
  }
}

function manifestUnknown(repository: string, reference: string): HttpError {
  return new HttpError(
    404,
    "MANIFEST_UNKNOWN",
    `there is no manifest ${reference} in ${repository}`,
  );
}

function answer(
  request: Request,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Response {
  const bytes = new TextEncoder().encode(body);
  return new Response(request.method === "HEAD" ? null : bytes, {
    status,
    headers: {
      "content-type": "application/json",
      "content-length": String(bytes.length),
      "docker-distribution-api-version": "registry/2.0",
      ...headers,
    },
  });
}
