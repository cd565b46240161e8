import { HttpError } from "../server/http_error.ts";

/**
 * Yields the pieces of a request's body as they arrive. A caller that stops early leaves the stream
 * open, so that the rest can be drained.
 *
 * @param idleMs how long to wait for a piece; a minute by default. Deno's server waits without
 * limit.
 * @throws HttpError 400 `BODY_CUT` if the connection breaks, 408 `BODY_IDLE` after `idleMs`.
 */
export async function* bodyPieces(
  { body }: Pick<Request, "body">,
  idleMs = 60_000,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body === null) return;
  const reader = body.getReader();
  let onLate: ((error: HttpError) => void) | undefined;
  // One timer for all pieces: a large body has many.
  const timer = setInterval(() => {
    onLate?.(
      new HttpError(408, "BODY_IDLE", `no data of the request's body for ${idleMs / 1000} s`),
    );
  }, idleMs);
  try {
    for (;;) {
      const { done, value } = await new Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>(
        (resolve, reject) => {
          // A read that began shortly before the timer fired waits for the next time.
          let fired = 0;
          onLate = (error) => ++fired > 1 && reject(error);
          reader.read().then(resolve, (error: unknown) => {
            reject(
              new HttpError(400, "BODY_CUT", "the request's body ended early", { cause: error }),
            );
          });
        },
      );
      if (done) return;
      yield value;
    }
  } finally {
    clearInterval(timer);
    reader.releaseLock();
  }
}
