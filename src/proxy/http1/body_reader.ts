import type { BodyKind } from "./body_kind.ts";
import { ChunkDecoder } from "./chunk_decoder.ts";
import { parseFields } from "./fields.ts";
import type { Wire } from "./wire.ts";

/** A body as it comes in over a wire. */
export class BodyReader {
  readonly #wire: Wire;
  readonly #chunks: ChunkDecoder | undefined;
  /** Bytes to come, for a body of known length. */
  #left: number;
  #trailersSeen = 0;
  /** Whether all of it has been taken. */
  done: boolean;
  /** The lines after a chunked body that may go on, each with its line's end. */
  trailers: Uint8Array = nothing;

  constructor(wire: Wire, body: BodyKind) {
    this.#wire = wire;
    this.#chunks = body.kind === "chunked" ? new ChunkDecoder() : undefined;
    this.#left = body.kind === "length" ? body.length : body.kind === "until-close" ? Infinity : 0;
    this.done = body.kind === "none" || (body.kind === "length" && body.length === 0);
  }

  /**
   * What has come of it, at most `max` bytes (of a chunked body: of the bytes on the wire); empty when more must be read first (`wire.fill`), or
   * when it is `done`. It is to be used before the next `fill`.
   *
   * @throws BadMessage when a chunked body is none.
   */
  take(max: number): Uint8Array {
    if (this.done) return nothing;
    return this.#chunks ? this.#takeChunks(this.#chunks, max) : this.#takePlain(max);
  }

  /** The connection has ended; whether the body has, too. It has not where the end is not the peer's own. */
  endsHere(): boolean {
    const { failure, late, closed } = this.#wire;
    if (this.#left === Infinity && failure === undefined && late === undefined && !closed) {
      this.done = true;
    }
    return this.done;
  }

  #takePlain(max: number): Uint8Array {
    const wire = this.#wire;
    const start = wire.start;
    wire.start += Math.min(this.#left, wire.buffered, max);
    this.#left -= wire.start - start;
    if (this.#left === 0) this.done = true;
    return wire.bytes.subarray(start, wire.start);
  }

  /** The data of all chunks in the buffer is moved together where the first begins. */
  #takeChunks(chunks: ChunkDecoder, max: number): Uint8Array {
    const wire = this.#wire;
    const { bytes } = wire;
    let first = -1;
    let end = 0;
    wire.start = chunks.read(
      bytes,
      wire.start,
      Math.min(wire.end, wire.start + max),
      (from, to) => {
        if (first < 0) [first, end] = [from, to];
        else {
          bytes.copyWithin(end, from, to);
          end += to - from;
        }
      },
    );
    if (chunks.atTrailers) this.#takeTrailers();
    return first < 0 ? nothing : bytes.subarray(first, end);
  }

  #takeTrailers(): void {
    const wire = this.#wire;
    const block = wire.blockEnd(this.#trailersSeen);
    this.#trailersSeen = block.lineStart - wire.start;
    if (block.end === 0) return;
    // What frames or routes a message must not come after it.
    const kept = parseFields(wire.bytes, wire.start, block.end).filter(({ known }) =>
      known === undefined
    );
    if (kept.length > 0) {
      this.trailers = new Uint8Array(kept.reduce((sum, { start, end }) => sum + end - start, 0));
      let at = 0;
      for (const { start, end } of kept) {
        this.trailers.set(wire.bytes.subarray(start, end), at);
        at += end - start;
      }
    }
    wire.start = block.end;
    this.done = true;
  }
}

const nothing = new Uint8Array(0);
