import type { Hono } from "hono";
import { maxManifestBytes, mediaTypes } from "../../oci/manifest.ts";
import { isRepository, isTag } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";
import { readBody } from "../../server/read_body.ts";
import { serveFile } from "../download/serve_file.ts";
import { pageOf } from "../paging.ts";
import type { RegistryStore } from "../store/registry_store.ts";
import { ociErrorResponse } from "./errors.ts";
import { decodeReference, readDigest } from "./reference.ts";
import { referrersOf } from "./referrers.ts";
import type { UploadSessions } from "./upload_sessions.ts";
import { OciUploads } from "./uploads.ts";

/** Options of `addOciRoutes`. */
export interface OciRoutesOptions {
  store: RegistryStore;
  sessions: UploadSessions;
}

/** A request for something in a repository. */
interface OciRequest {
  request: Request;
  url: URL;
  repository: string;
  /** A tag, a digest or an upload's id: what follows the kind in the path. */
  reference: string;
}

/**
 * Adds the OCI distribution protocol 1.1 under `/v2/`.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
 */
export function addOciRoutes(app: Hono, options: OciRoutesOptions): void {
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

  constructor({ store, sessions }: OciRoutesOptions) {
    this.#store = store;
    this.#uploads = new OciUploads(store, sessions);
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (/^\/v2\/?$/.test(url.pathname) && method === "GET") return jsonResponse(request, {});
    if (url.pathname === "/v2/_catalog" && method === "GET") {
      return this.#listRepositories(request, url);
    }
    // A repository's name has any number of segments, which a router cannot match.
    const [, repository = "", kind = "", reference = ""] =
      /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(url.pathname) ??
        [];
    if (kind === "") {
      throw new HttpError(404, "UNSUPPORTED", `there is no ${method} ${url.pathname}`);
    }
    if (!isRepository(repository)) {
      throw new HttpError(400, "NAME_INVALID", `"${repository}" is not a repository name`);
    }
    const call: OciRequest = { request, url, repository, reference: decodeReference(reference) };
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
        return this.#listTags(call);
      case "GET referrers":
        return await this.#listReferrers(call);
      case "POST blobs/uploads":
      case "GET blobs/uploads":
      case "PATCH blobs/uploads":
      case "PUT blobs/uploads":
      case "DELETE blobs/uploads":
        return await this.#uploads.handle({ ...call, method });
      default:
        throw new HttpError(405, "UNSUPPORTED", `${kind} do not support ${request.method}`);
    }
  }

  #listRepositories(request: Request, url: URL): Response {
    const names = this.#store.catalog.repositories();
    const { page: repositories, headers } = pageOf(names, url, { keyOf: (name) => name });
    return jsonResponse(request, { repositories }, headers);
  }

  async #getBlob({ request, repository, reference }: OciRequest): Promise<Response> {
    const digest = readDigest(reference);
    const blob = this.#store.catalog.blob(digest);
    if (!blob || !this.#store.catalog.repository(repository)?.blobs.has(digest)) {
      throw blobUnknown(repository, digest);
    }
    // A client that finds the blob does not upload it again: it must outlive the client's push.
    this.#store.catalog.touch(digest);
    return await serveFile(request, {
      path: this.#store.blobs.path(digest),
      size: blob.size,
      digest,
      contentType: "application/octet-stream",
      headers: { "cache-control": "private, max-age=31536000, immutable, no-transform" },
    });
  }

  async #deleteBlob({ repository, reference }: OciRequest): Promise<Response> {
    const digest = readDigest(reference);
    if (!await this.#store.blobs.unlink(repository, digest)) throw blobUnknown(repository, digest);
    return new Response(null, { status: 202 });
  }

  async #getManifest({ request, repository, reference }: OciRequest): Promise<Response> {
    const known = this.#store.catalog.repository(repository);
    if (!known) throw nameUnknown(repository);
    const manifest = reference.includes(":")
      ? known.manifests.get(readDigest(reference))
      : this.#store.catalog.tagged(repository, reference)?.manifest;
    if (!manifest) throw manifestUnknown(repository, reference);
    const { digest, size, mediaType } = manifest;
    const path = this.#store.blobs.path(digest);
    return await serveFile(request, { path, size, digest, contentType: mediaType });
  }

  async #putManifest({ request, url, repository, reference }: OciRequest): Promise<Response> {
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

  async #deleteManifest({ repository, reference }: OciRequest): Promise<Response> {
    const isDeleted = reference.includes(":")
      ? await this.#store.deleteManifest(repository, readDigest(reference))
      : await this.#store.deleteTag(repository, reference);
    if (!isDeleted) throw manifestUnknown(repository, reference);
    return new Response(null, { status: 202 });
  }

  #listTags({ request, url, repository, reference }: OciRequest): Response {
    if (reference !== "list") {
      throw new HttpError(404, "UNSUPPORTED", `there is no ${url.pathname}`);
    }
    const known = this.#store.catalog.repository(repository);
    if (!known) throw nameUnknown(repository);
    const { page: tags, headers } = pageOf([...known.tags.keys()].sort(), url, {
      keyOf: (tag) => tag,
    });
    return jsonResponse(request, { name: repository, tags }, headers);
  }

  async #listReferrers({ request, url, repository, reference }: OciRequest): Promise<Response> {
    const subject = readDigest(reference);
    const known = this.#store.catalog.repository(repository);
    // The tag of the fallback index, see the specification's "Referrers Tag Schema".
    const fallback = known?.tags.get(reference.replace(":", "-").slice(0, 128))?.digest;
    const index = fallback && await this.#store.blobs.read(fallback);
    const artifactType = url.searchParams.get("artifactType");
    const found = referrersOf(known, subject, index)
      .filter((referrer) => artifactType === null || referrer.artifactType === artifactType);
    // Clients read an index of the size of a manifest.
    const { page: manifests, headers: links } = pageOf(found, url, {
      keyOf: ({ digest }) => digest,
      maxBytes: maxManifestBytes,
    });
    const headers: Record<string, string> = { ...links, "content-type": mediaTypes.index };
    if (artifactType !== null) headers["oci-filters-applied"] = "artifactType";
    return jsonResponse(
      request,
      { schemaVersion: 2, mediaType: mediaTypes.index, manifests },
      headers,
    );
  }
}

async function readManifestBody(request: Request): Promise<Uint8Array> {
  try {
    return await readBody(request, { maxBytes: maxManifestBytes });
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 413) throw error;
    const message = `a manifest may have at most ${maxManifestBytes} bytes`;
    throw new HttpError(413, "SIZE_INVALID", message, { cause: error });
  }
}

function blobUnknown(repository: string, digest: string): HttpError {
  return new HttpError(404, "BLOB_UNKNOWN", `there is no blob ${digest} in ${repository}`);
}

function nameUnknown(repository: string): HttpError {
  return new HttpError(404, "NAME_UNKNOWN", `there is no repository ${repository}`);
}

function manifestUnknown(repository: string, reference: string): HttpError {
  const message = `there is no manifest ${reference} in ${repository}`;
  return new HttpError(404, "MANIFEST_UNKNOWN", message);
}

function jsonResponse(
  request: Request,
  value: unknown,
  headers: Record<string, string> = {},
): Response {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return new Response(request.method === "HEAD" ? null : bytes, {
    status: 200,
    headers: {
      "content-type": "application/json",
      "content-length": String(bytes.length),
      "docker-distribution-api-version": "registry/2.0",
      ...headers,
    },
  });
}
