import type { BlobWriter } from "../store/blob_writer.ts";
import { HttpError } from "../../server/http_error.ts";

/** An upload that takes several requests. */
export interface UploadSession {
  readonly id: string;
  readonly repository: string;
  readonly writer: BlobWriter;
}

/**
 * Uploads between their requests. They live as long as the process and are swept at its next start: the sum of what has come cannot be
 * written down, and reading it back would cost what it saves.
 */
export class UploadSessions {
  readonly #sessions = new Map<string, UploadSession & { busy: boolean; usedAt: number }>();

  add(repository: string, writer: BlobWriter): UploadSession {
    const session = {
      id: crypto.randomUUID(),
      repository,
      writer,
      busy: false,
      usedAt: Date.now(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** @throws HttpError 404 `BLOB_UPLOAD_UNKNOWN` */
  get(repository: string, id: string): UploadSession {
    const session = this.#sessions.get(id);
    if (session?.repository === repository) return session;
    throw new HttpError(404, "BLOB_UPLOAD_UNKNOWN", `there is no upload ${id} in ${repository}`);
  }

  /**
   * Works on an upload that nobody else works on meanwhile.
   *
   * @throws HttpError 404 `BLOB_UPLOAD_UNKNOWN`, 409 `BLOB_UPLOAD_INVALID` when two requests write to one upload.
   */
  async use<T>(
    repository: string,
    id: string,
    work: (session: UploadSession) => Promise<T>,
  ): Promise<T> {
    this.get(repository, id);
    const session = this.#sessions.get(id);
    if (session === undefined || session.busy) {
      throw new HttpError(
        409,
        "BLOB_UPLOAD_INVALID",
        `another request is writing to the upload ${id}`,
      );
    }
    session.busy = true;
    try {
      return await work(session);
    } finally {
      session.busy = false;
      session.usedAt = Date.now();
    }
  }

  /** Forgets an upload and what it wrote. */
  async end({ id, writer }: UploadSession): Promise<void> {
    this.#sessions.delete(id);
    await writer.abort();
  }

  /** Ends uploads that nobody has touched since that time. */
  async endIdle(since: number): Promise<void> {
    for (const session of Array.from(this.#sessions.values())) {
      if (!session.busy && session.usedAt < since) await this.end(session);
    }
  }
}
