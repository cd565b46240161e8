import { HttpError } from "../../server/http_error.ts";
import type { BlobWriter } from "../store/blob_writer.ts";

/** An upload that spans several requests. */
export interface UploadSession {
  readonly id: string;
  readonly repository: string;
  readonly writer: BlobWriter;
}

/** A session in the table. */
interface TrackedSession extends UploadSession {
  /** True while a request is writing to it. */
  isBusy: boolean;
  /** When a request last ended, in milliseconds since 1970. */
  usedAt: number;
}

/**
 * The most sessions at a time; each holds an open file. Clients begin one for each blob that they
 * push, a few at a time.
 */
const defaultMaxSessions = 1000;

/**
 * The upload sessions of a process. A restart discards them: the state of a hash cannot be saved,
 * and hashing the bytes again would cost as much as resuming saves.
 */
export class UploadSessions {
  readonly #sessions = new Map<string, TrackedSession>();
  readonly #maxSessions: number;

  constructor(maxSessions = defaultMaxSessions) {
    this.#maxSessions = maxSessions;
  }

  /**
   * Begins a session. At the limit the idle session that was used least recently is discarded.
   *
   * @param begin opens the writer.
   * @throws HttpError 429 `TOOMANYREQUESTS` if every session is busy.
   */
  async begin(repository: string, begin: () => Promise<BlobWriter>): Promise<UploadSession> {
    if (this.#sessions.size >= this.#maxSessions) await this.#evict();
    const session: TrackedSession = {
      id: crypto.randomUUID(),
      repository,
      writer: await begin(),
      isBusy: false,
      usedAt: Date.now(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Returns a session of a repository. @throws HttpError 404 `BLOB_UPLOAD_UNKNOWN` */
  get(repository: string, id: string): UploadSession {
    return this.#find(repository, id);
  }

  /**
   * Calls `work` while no other request may write to the session.
   *
   * @throws HttpError 404 `BLOB_UPLOAD_UNKNOWN`, 409 `BLOB_UPLOAD_INVALID` if another request is
   * writing to it.
   */
  async use<T>(
    repository: string,
    id: string,
    work: (session: UploadSession) => Promise<T>,
  ): Promise<T> {
    const session = this.#find(repository, id);
    if (session.isBusy) {
      throw new HttpError(
        409,
        "BLOB_UPLOAD_INVALID",
        `another request is writing to the upload ${id}`,
      );
    }
    session.isBusy = true;
    try {
      return await work(session);
    } finally {
      session.isBusy = false;
      session.usedAt = Date.now();
      // Sessions are kept in the order of their last use.
      if (this.#sessions.delete(id)) this.#sessions.set(id, session);
    }
  }

  /** Ends a session and discards its bytes, unless the store took them. */
  async end({ id, writer }: UploadSession): Promise<void> {
    this.#sessions.delete(id);
    await writer.abort();
  }

  /** Ends the sessions that no request has used since `since`, in milliseconds since 1970. */
  async endIdle(since: number): Promise<void> {
    for (const session of Array.from(this.#sessions.values())) {
      if (!session.isBusy && session.usedAt < since) await this.end(session);
    }
  }

  #find(repository: string, id: string): TrackedSession {
    const session = this.#sessions.get(id);
    if (session?.repository === repository) return session;
    throw new HttpError(404, "BLOB_UPLOAD_UNKNOWN", `there is no upload ${id} in ${repository}`);
  }

  async #evict(): Promise<void> {
    for (const session of this.#sessions.values()) {
      if (!session.isBusy) return await this.end(session);
    }
    throw new HttpError(
      429,
      "TOOMANYREQUESTS",
      `${this.#maxSessions} uploads are in progress: try again later`,
    );
  }
}
