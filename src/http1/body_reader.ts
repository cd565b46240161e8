import { ChunkDecoder } from "./chunk_decoder.ts";
import { parseFields } from "./fields.ts";
import type { BodyKind } from "./message.ts";
import type { Wire } from "./wire.ts";

/** Decodes a body from the buffered bytes of a wire. */
export class BodyReader {
  readonly #wire: Wire;
  readonly #chunks: ChunkDecoder | undefined;
  /** The number of bytes still to come, for a body of known length. */
  #left: number;
  #trailersScanned = 0;
  #done: boolean;
  #trailers: Uint8Array = nothing;

  constructor(wire: Wire, body: BodyKind) {
    this.#wire = wire;
    this.#chunks = body.kind === "chunked" ? new ChunkDecoder() : undefined;
    this.#left = body.kind === "length" ? body.length : body.kind === "until-close" ? Infinity : 0;
    this.#done = body.kind === "none" || (body.kind === "length" && body.length === 0);
  }

  /** Reports whether the whole body has been taken. */
  get done(): boolean {
    return this.#done;
  }

  /** The trailer fields of a chunked body that may be forwarded, each with its CR LF. */
  get trailers(): Uint8Array {
    return this.#trailers;
  }

  /**
   * Returns the next bytes of the body, decoded in place from up to `max` bytes on the wire, and
   * valid until the next `wire.fill`. Empty if more must be read first, or if the body is `done`.
   *
   * @throws BadMessage if the chunked coding is invalid.
   */
  take(max: number): Uint8Array {
    if (this.#done) return nothing;
    return this.#chunks ? this.#takeChunks(this.#chunks, max) : this.#takePlain(max);
  }

  /** Reports whether the body is complete now that reading has ended. */
  endsHere(): boolean {
    const { closed, endReason } = this.#wire;
    if (this.#left === Infinity && !closed && endReason?.kind === "eof") this.#done = true;
    return this.#done;
  }

  #takePlain(max: number): Uint8Array {
    const { bytes, start, buffered } = this.#wire;
    const count = Math.min(this.#left, buffered, max);
    this.#wire.consume(count);
    this.#left -= count;
    if (this.#left === 0) this.#done = true;
    return bytes.subarray(start, start + count);
  }

  /** Moves the data of all buffered chunks together. */
  #takeChunks(chunks: ChunkDecoder, max: number): Uint8Array {
    const { bytes, start, end } = this.#wire;
    let first = -1;
    let last = 0;
    const stop = chunks.read(bytes, start, Math.min(end, start + max), (from, to) => {
      if (first < 0) [first, last] = [from, to];
      else {
        bytes.copyWithin(last, from, to);
        last += to - from;
      }
    });
    this.#wire.consume(stop - start);
    if (chunks.atTrailers) this.#takeTrailers();
    return first < 0 ? nothing : bytes.subarray(first, last);
  }

  #takeTrailers(): void {
    const wire = this.#wire;
    const { length, scanned } = wire.findBlock(this.#trailersScanned);
    this.#trailersScanned = scanned;
    if (length === 0) return;
    const { bytes, start } = wire;
    // Fields for framing and routing must not be trailers (RFC 9110 § 6.5.1).
    const kept = parseFields(bytes, start, start + length).filter(({ known }) =>
      known === undefined
    );
    if (kept.length > 0) {
      this.#trailers = new Uint8Array(
        kept.reduce((sum, field) => sum + field.end - field.start, 0),
      );
      let at = 0;
      for (const field of kept) {
        this.#trailers.set(bytes.subarray(field.start, field.end), at);
        at += field.end - field.start;
      }
    }
    wire.consume(length);
    this.#done = true;
  }
}

const nothing = new Uint8Array(0);
