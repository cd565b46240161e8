import { BadMessage } from "./bad_message.ts";
import type { BodyReader } from "./body_reader.ts";
import { gatheredBytes } from "./buffers.ts";
import type { Outbox } from "./outbox.ts";
import type { Wire } from "./wire.ts";

/** How the move of a body ended. */
export type Moved =
  | { readonly kind: "done" }
  /** The source ended, or was too slow, before the body did. */
  | { readonly kind: "cut" }
  /** Whoever should get it takes no more. */
  | { readonly kind: "refused"; readonly reason: unknown }
  /** The source sent what is no body. */
  | { readonly kind: "bad"; readonly error: BadMessage }
  /** `isStopped` said so; the source may have more. */
  | { readonly kind: "stopped" };

export interface MoveOptions {
  readonly body: BodyReader;
  readonly from: Wire;
  readonly to: Wire;
  /** What goes before the body may be in it. */
  readonly outbox: Outbox;
  /** Whether it goes out in chunks. */
  readonly chunked: boolean;
  /** How long a write may stand still, in milliseconds; 0: for ever. */
  readonly stallMs: number;
  /** By when the next bytes must have come, in ms of the clock. */
  readonly readBy: () => number;
  /** Whether nobody wants the rest any more; asked when more has come. */
  readonly isStopped?: () => boolean;
  /** Told how many bytes came. */
  readonly onRead?: (bytes: number) => void;
}

/** From so many on, copying costs more than another write. */
const directBytes = 8192;

/** Moves a body from one wire to the other, never holding more than a buffer of it: what is not taken is not read. */
export async function moveBody(options: MoveOptions): Promise<Moved> {
  try {
    return await move(options);
  } finally {
    // Only now is no write from the buffer under way, whoever closed which connection meanwhile.
    options.from.shrink();
  }
}

async function move(options: MoveOptions): Promise<Moved> {
  const { body, from, to, outbox, chunked, stallMs, readBy, isStopped, onRead } = options;
  for (;;) {
    let more = false;
    try {
      if (chunked || from.buffered < directBytes) more = gather(options);
    } catch (error) {
      if (error instanceof BadMessage) return { kind: "bad", error };
      throw error;
    }
    if (body.done && chunked) {
      outbox.text("0\r\n");
      outbox.bytes(body.trailers);
      outbox.text("\r\n");
    }
    try {
      await outbox.flush(to, stallMs);
      // A large part of a body goes on from where it was read.
      if (!chunked && !body.done && from.buffered > 0) await to.write(body.take(Infinity), stallMs);
    } catch (reason) {
      return { kind: "refused", reason };
    }
    if (body.done) return { kind: "done" };
    if (more || from.buffered > 0 && !chunked) continue;
    from.enlarge();
    from.readByMs = readBy();
    const before = from.end - from.start;
    const filled = await from.fill();
    if (isStopped?.()) return { kind: "stopped" };
    from.readByMs = Infinity;
    onRead?.(from.buffered - before);
    if (!filled && !body.endsHere()) return { kind: "cut" };
  }
}

/** Puts what has come into the outbox; true when the outbox is full before that is all. */
export function gather(
  { body, from, outbox, chunked }: Pick<MoveOptions, "body" | "from" | "outbox" | "chunked">,
): boolean {
  while (!body.done) {
    if (outbox.isFull(64)) return true;
    const before = from.start;
    const piece = body.take(gatheredBytes - outbox.length);
    if (piece.length > 0) {
      if (chunked) outbox.chunk(piece);
      else outbox.bytes(piece);
    } else if (from.start === before) return false;
  }
  return false;
}
