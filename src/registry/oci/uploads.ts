import { isRepository } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";
import { dropBody } from "../../server/read_body.ts";
import { algorithmOf, type Digest } from "../../source/digest.ts";
import type { BlobWriter } from "../store/blob_writer.ts";
import type { RegistryStore } from "../store/registry_store.ts";
import { OciHttpError } from "./errors.ts";
import { receive } from "./receive.ts";
import { readDigest } from "./reference.ts";
import type { UploadSession, UploadSessions } from "./upload_sessions.ts";

/** A request below `/v2/<repository>/blobs/uploads/`. */
export interface UploadRequest {
  method: string;
  request: Request;
  url: URL;
  repository: string;
  /** The session's id; empty for a new upload. */
  reference: string;
}

/**
 * The endpoints that push blobs: in one request, in chunks, resumed, or mounted from another
 * repository.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 */
export class OciUploads {
  readonly #store: RegistryStore;
  readonly #sessions: UploadSessions;

  constructor(store: RegistryStore, sessions: UploadSessions) {
    this.#store = store;
    this.#sessions = sessions;
  }

  /** Handles a request. @throws HttpError */
  async handle(call: UploadRequest): Promise<Response> {
    const { method, repository, reference: id } = call;
    if (method === "POST" && id === "") return await this.#begin(call);
    if (method === "POST") {
      throw new HttpError(405, "UNSUPPORTED", "an upload begins with POST …/blobs/uploads/");
    }
    if (method === "GET") return this.#status(this.#sessions.get(repository, id), 204);
    return await this.#sessions.use(repository, id, async (session) => {
      if (method === "PATCH") return await this.#patch(call, session);
      if (method === "PUT") return await this.#finish(call, session);
      await dropBody(call.request);
      await this.#sessions.end(session);
      return new Response(null, { status: 204 });
    });
  }

  async #begin({ request, url, repository }: UploadRequest): Promise<Response> {
    const mount = url.searchParams.get("mount");
    if (mount !== null) {
      await dropBody(request);
      const digest = readDigest(mount);
      const from = url.searchParams.get("from") ?? undefined;
      const isValid = from === undefined || isRepository(from);
      if (isValid && await this.#store.blobs.mount(repository, digest, from)) {
        return created(repository, digest);
      }
      // Without that blob, the specification has the client upload it.
      return await this.#openSession(repository);
    }
    const digestText = url.searchParams.get("digest");
    if (digestText === null) {
      await dropBody(request);
      return await this.#openSession(repository);
    }
    const digest = readDigest(digestText);
    await using writer = await this.#store.blobs.begin({
      sha512: algorithmOf(digest) === "sha512",
    });
    await receive(request, writer, this.#store.maxBytes);
    assertDigest(writer, digest);
    await this.#store.blobs.put(repository, writer, digest);
    return created(repository, digest);
  }

  async #openSession(repository: string): Promise<Response> {
    // The digest's algorithm is known at the end only, so both are computed.
    const begin = () => this.#store.blobs.begin({ sha512: true });
    return this.#status(await this.#sessions.begin(repository, begin), 202);
  }

  async #patch(call: UploadRequest, session: UploadSession): Promise<Response> {
    await this.#append(call, session);
    return this.#status(session, 202);
  }

  async #finish(call: UploadRequest, session: UploadSession): Promise<Response> {
    const digest = readDigest(call.url.searchParams.get("digest") ?? "");
    await this.#append(call, session);
    try {
      assertDigest(session.writer, digest);
      await this.#store.blobs.put(call.repository, session.writer, digest);
      return created(call.repository, digest);
    } finally {
      await this.#sessions.end(session);
    }
  }

  /** Appends a chunk. Its `Content-Range`, if it has one, must match the session and the body. */
  async #append({ request }: UploadRequest, session: UploadSession): Promise<void> {
    const { writer } = session;
    const range = this.#readRange(request, session);
    const mark = writer.mark();
    try {
      await receive(request, writer, this.#store.maxBytes - writer.size);
    } catch (error) {
      // After a broken connection the client asks for the size and resumes there.
      const isResumable = error instanceof HttpError &&
        ["BODY_CUT", "BODY_TIMEOUT"].includes(error.code);
      if (!isResumable) await writer.rollback(mark);
      throw error;
    }
    const received = writer.size - mark.size;
    if (range && received !== range.length) {
      await writer.rollback(mark);
      throw new HttpError(
        400,
        "SIZE_INVALID",
        `Content-Range has ${range.length} bytes, the body ${received}`,
      );
    }
  }

  #readRange(request: Request, session: UploadSession): { length: number } | undefined {
    const header = request.headers.get("content-range");
    if (header === null) return undefined;
    const [, first, last] = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/.*)?$/.exec(header) ?? [];
    if (first === undefined) {
      throw new HttpError(
        400,
        "BLOB_UPLOAD_INVALID",
        `Content-Range is <start>-<end>: got "${header}"`,
      );
    }
    const length = Number(last) - Number(first) + 1;
    if (Number(first) !== session.writer.size || length <= 0) {
      throw new OciHttpError(
        416,
        "BLOB_UPLOAD_INVALID",
        `the next byte of this upload is ${session.writer.size}, not ${first}`,
        headersOf(session),
      );
    }
    const declared = request.headers.get("content-length");
    if (declared !== null && Number(declared) !== length) {
      throw new HttpError(
        400,
        "SIZE_INVALID",
        `Content-Range has ${length} bytes, Content-Length ${declared}`,
      );
    }
    return { length };
  }

  #status(session: UploadSession, status: number): Response {
    return new Response(null, {
      status,
      headers: { ...headersOf(session), "content-length": "0" },
    });
  }
}

function headersOf({ repository, id, writer }: UploadSession): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, writer.size - 1)}`,
    "docker-upload-uuid": id,
  };
}

function assertDigest(writer: BlobWriter, digest: Digest): void {
  if (writer.has(digest)) return;
  throw new HttpError(400, "DIGEST_INVALID", `the bytes are not ${digest}, but ${writer.digest()}`);
}

function created(repository: string, digest: Digest): Response {
  const headers = {
    location: `/v2/${repository}/blobs/${digest}`,
    "docker-content-digest": digest,
  };
  return new Response(null, { status: 201, headers });
}
