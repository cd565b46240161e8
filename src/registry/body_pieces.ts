import { HttpError } from "../server/http_error.ts";

/**
 * The pieces of a request's body as they come. The stream stays open when the caller stops early, for whoever reads the rest.
 *
 * @throws HttpError 400 `BODY_CUT` when the connection breaks, 408 `BODY_IDLE` when nothing comes for `idleMs`: Deno's server would wait for ever.
 */
export async function* bodyPieces(
  { body }: Pick<Request, "body">,
  idleMs = 60_000,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body === null) return;
  const reader = body.getReader();
  let late: ((error: HttpError) => void) | undefined;
  const timer = setInterval(() => {
    late?.(
      new HttpError(408, "BODY_IDLE", `nothing of the request's body came for ${idleMs / 1000} s`),
    );
  }, idleMs);
  try {
    for (;;) {
      const { done, value } = await new Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>(
        (resolve, reject) => {
          // A wait that began just before the clock struck gets another turn of it.
          let turns = 0;
          late = (error) => ++turns > 1 && reject(error);
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
