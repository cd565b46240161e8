import { TimedBodyReader } from "../server/body_timeout.ts";

/**
 * Yields the pieces of a request's body as they arrive, at a minimum rate. A caller that stops
 * early leaves the stream open, so that the rest can be drained.
 *
 * @param allowanceMs the longest pause of the client; default 30 s.
 * @throws HttpError 400 `BODY_CUT` if the connection breaks, 408 `BODY_TIMEOUT`.
 */
export async function* bodyPieces(
  { body }: Pick<Request, "body">,
  allowanceMs?: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body === null) return;
  const reader = new TimedBodyReader(body, allowanceMs);
  try {
    for (let piece = await reader.read(); piece; piece = await reader.read()) yield piece;
  } finally {
    reader.releaseLock();
  }
}
