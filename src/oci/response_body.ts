import { deadline, DeadlineError } from "../base/deadline.ts";

/** The time to wait for the next piece of a body, in milliseconds. */
const defaultIdleMs = 30_000;

/**
 * Yields the pieces of a response's body, which is cancelled when the caller stops early.
 *
 * @param idleMs the time to wait for each piece.
 * @throws Error if a piece does not come in time; the network's error.
 */
export async function* responsePieces(
  { body }: Response,
  idleMs = defaultIdleMs,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await deadline(reader.read(), idleMs);
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    throw new Error(`no data for ${idleMs / 1000} s`, { cause: error });
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * Reads the first bytes of a response's body, up to a little over `maxBytes`.
 *
 * @throws Error as `responsePieces` does.
 */
export async function readFirstBytes(
  response: Response,
  maxBytes: number,
  idleMs?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of responsePieces(response, idleMs)) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxBytes) break;
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
