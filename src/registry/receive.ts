import { HttpError } from "../server/http_error.ts";
import type { BlobWriter } from "./blob_writer.ts";

/**
 * Streams a request's body into a writer.
 *
 * @throws HttpError 413 `SIZE_INVALID` over the limit, 400 `BODY_CUT` when the client went away, 507 `DISK_FULL`; the writer then holds a part.
 */
export async function receive(request: Request, writer: BlobWriter, maxBytes: number): Promise<void> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return;
  let received = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(cut);
      if (done) return;
      received += value.length;
      if (received > maxBytes) throw tooLarge(maxBytes);
      await writer.write(value);
    }
  } finally {
    reader.releaseLock();
  }
}

function cut(error: unknown): never {
  throw new HttpError(400, "BODY_CUT", "the request's body ended early", { cause: error });
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, "SIZE_INVALID", `at most ${maxBytes} bytes more fit in (-maxUpload)`);
}
