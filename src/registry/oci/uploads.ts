import { HttpError } from "../../server/http_error.ts";
import type { BlobWriter } from "../store/blob_writer.ts";
import { algorithmOf, type Digest } from "../../source/digest.ts";
import { isRepository } from "../../oci/names.ts";
import { dropBody } from "../../server/json_app.ts";
import { OciHttpError } from "./errors.ts";
import { readDigest } from "./reference.ts";
import { receive } from "./receive.ts";
import type { RegistryStore } from "../store/registry_store.ts";
import type { UploadSession, UploadSessions } from "./upload_sessions.ts";

/** A request below `/v2/<repository>/blobs/uploads/`. */
export interface UploadCall {
  method: string;
  request: Request;
  url: URL;
  repository: string;
  /** The upload's id; empty for a new one. */
  reference: string;
}

/** Pushing blobs: at once, in chunks, resumed, or mounted from another repository. */
export class OciUploads {
  readonly #store: RegistryStore;
  readonly #sessions: UploadSessions;

  constructor(store: RegistryStore, sessions: UploadSessions) {
    this.#store = store;
    this.#sessions = sessions;
  }

  async handle(call: UploadCall): Promise<Response> {
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

  async #begin({ request, url, repository }: UploadCall): Promise<Response> {
    const mount = url.searchParams.get("mount");
    if (mount !== null) {
      await dropBody(request);
      const digest = readDigest(mount);
      const from = url.searchParams.get("from") ?? undefined;
      const known = from === undefined || isRepository(from);
      if (known && await this.#store.blobs.mount(repository, digest, from)) {
        return created(repository, digest);
      }
      // Not there: the client sends it, as the protocol wants.
      return await this.#open(repository);
    }
    const wanted = url.searchParams.get("digest");
    if (wanted === null) {
      await dropBody(request);
      return await this.#open(repository);
    }
    const digest = readDigest(wanted);
    await using writer = await this.#store.blobs.begin({
      sha512: algorithmOf(digest) === "sha512",
    });
    await receive(request, writer, this.#store.maxBytes);
    assertDigest(writer, digest);
    await this.#store.blobs.put(repository, writer, digest);
    return created(repository, digest);
  }

  async #open(repository: string): Promise<Response> {
    // In which algorithm the digest will be is said at the end only, so both are summed up.
    const writer = await this.#store.blobs.begin({ sha512: true });
    return this.#status(this.#sessions.add(repository, writer), 202);
  }

  async #patch(call: UploadCall, session: UploadSession): Promise<Response> {
    await this.#append(call, session);
    return this.#status(session, 202);
  }

  async #finish(call: UploadCall, session: UploadSession): Promise<Response> {
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

  /** Takes a chunk. It may say which bytes it is, and must then be the next ones, and as many. */
  async #append({ request }: UploadCall, session: UploadSession): Promise<void> {
    const { writer } = session;
    const header = request.headers.get("content-range");
    const [, first, last] = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/.*)?$/.exec(header ?? "") ?? [];
    if (header !== null && first === undefined) {
      throw new HttpError(
        400,
        "BLOB_UPLOAD_INVALID",
        `Content-Range is <start>-<end>: got "${header}"`,
      );
    }
    const start = first === undefined ? writer.size : Number(first);
    const length = last === undefined ? undefined : Number(last) - start + 1;
    if (start !== writer.size || (length !== undefined && length <= 0)) {
      throw new OciHttpError(
        416,
        "BLOB_UPLOAD_INVALID",
        `the next byte of this upload is ${writer.size}, not ${start}`,
        this.#headers(session),
      );
    }
    const declared = request.headers.get("content-length");
    if (length !== undefined && declared !== null && Number(declared) !== length) {
      throw new HttpError(
        400,
        "SIZE_INVALID",
        `Content-Range has ${length} bytes, Content-Length ${declared}`,
      );
    }
    const mark = writer.mark();
    try {
      await receive(request, writer, this.#store.maxBytes - writer.size);
    } catch (error) {
      // What came before a connection broke stays: the client asks how much it is, and goes on there.
      const broke = error instanceof HttpError && ["BODY_CUT", "BODY_IDLE"].includes(error.code);
      if (!broke) await writer.rollback(mark);
      throw error;
    }
    const received = writer.size - mark.size;
    if (length !== undefined && received !== length) {
      await writer.rollback(mark);
      throw new HttpError(
        400,
        "SIZE_INVALID",
        `Content-Range has ${length} bytes, the body ${received}`,
      );
    }
  }

  #headers({ repository, id, writer }: UploadSession): Record<string, string> {
    return {
      location: `/v2/${repository}/blobs/uploads/${id}`,
      range: `0-${Math.max(0, writer.size - 1)}`,
      "docker-upload-uuid": id,
    };
  }

  #status(session: UploadSession, status: number): Response {
    return new Response(null, {
      status,
      headers: { ...this.#headers(session), "content-length": "0" },
    });
  }
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
