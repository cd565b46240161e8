import type { BodyReader } from "./body_reader.ts";
import { gatheredBytes } from "./buffers.ts";
import { BadMessage } from "./message.ts";
import type { Wire } from "./wire.ts";
import type { WriteBuffer } from "./write_buffer.ts";

/** The result of moving a body. */
export type MoveResult =
  | { readonly kind: "done" }
  /** The source ended or was late before the body was complete. */
  | { readonly kind: "cut" }
  /** The destination could not be written to. */
  | { readonly kind: "refused"; readonly reason: unknown }
  /** The source sent an invalid body. */
  | { readonly kind: "bad"; readonly error: BadMessage }
  /** `isStopped` returned true; the source may have more. */
  | { readonly kind: "stopped" };

/** Options of `moveBody`. */
export interface MoveOptions {
  readonly body: BodyReader;
  readonly from: Wire;
  readonly to: Wire;
  /** A buffer for writes, which may hold what precedes the body. */
  readonly out: WriteBuffer;
  /** Sends the body in chunks. */
  readonly chunked: boolean;
  /** The longest stall of a write, in milliseconds; 0 for no limit. */
  readonly stallMs: number;
  /** Returns the deadline of the next read. */
  readonly readBy: () => number;
  /** Reports whether the rest of the body is of no use; called after each read. */
  readonly isStopped?: () => boolean;
  /** Is called with the number of bytes of each read. */
  readonly onRead?: (bytes: number) => void;
}

/** From this size on, a write of its own is cheaper than a copy. */
const directBytes = 8192;

/** Moves a body between two wires, buffering no more than a buffer of it (back-pressure). */
export async function moveBody(options: MoveOptions): Promise<MoveResult> {
  try {
    return await move(options);
  } finally {
    // No write from this buffer is pending any more.
    options.from.shrink();
  }
}

async function move(options: MoveOptions): Promise<MoveResult> {
  const { body, from, to, out, chunked, stallMs, readBy, isStopped, onRead } = options;
  for (;;) {
    let hasMore = false;
    try {
      if (chunked || from.buffered < directBytes) hasMore = takeBuffered(options);
    } catch (error) {
      if (error instanceof BadMessage) return { kind: "bad", error };
      throw error;
    }
    if (body.done && chunked) {
      out.text("0\r\n");
      out.bytes(body.trailers);
      out.text("\r\n");
    }
    try {
      await out.flush(to, stallMs);
      // A large part of a body is written from the read buffer.
      if (!chunked && !body.done && from.buffered > 0) await to.write(body.take(Infinity), stallMs);
    } catch (reason) {
      return { kind: "refused", reason };
    }
    if (body.done) return { kind: "done" };
    if (hasMore || from.buffered > 0 && !chunked) continue;
    from.enlarge();
    const before = from.buffered;
    const filled = await from.fill({ by: readBy() });
    if (isStopped?.()) return { kind: "stopped" };
    onRead?.(from.buffered - before);
    if (!filled && !body.endsHere()) return { kind: "cut" };
  }
}

/** Appends the buffered part of a body to `out`; returns true if `out` is full before the end. */
export function takeBuffered(
  { body, from, out, chunked }: Pick<MoveOptions, "body" | "from" | "out" | "chunked">,
): boolean {
  while (!body.done) {
    if (out.isFull(64)) return true;
    const before = from.start;
    const piece = body.take(gatheredBytes - out.length);
    if (piece.length > 0) {
      if (chunked) out.chunk(piece);
      else out.bytes(piece);
    } else if (from.start === before) return false;
  }
  return false;
}
