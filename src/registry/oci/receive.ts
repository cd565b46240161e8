import { HttpError } from "../../server/http_error.ts";
import { bodyPieces } from "../body_pieces.ts";
import type { BlobWriter } from "../store/blob_writer.ts";

/**
 * Streams a request's body to a writer.
 *
 * @throws HttpError 413 `SIZE_INVALID` over `maxBytes`, 400 `BODY_CUT`, 408 `BODY_TIMEOUT`, 507
 * `DISK_FULL`; the writer then holds a part.
 */
export async function receive(
  request: Request,
  writer: BlobWriter,
  maxBytes: number,
): Promise<void> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  let received = 0;
  for await (const piece of bodyPieces(request)) {
    received += piece.length;
    if (received > maxBytes) throw tooLarge(maxBytes);
    await writer.write(piece);
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(
    413,
    "SIZE_INVALID",
    `at most ${maxBytes} more bytes are allowed (-maxUpload)`,
  );
}
