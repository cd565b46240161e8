import { BadMessage } from "./message.ts";
import { cr, lf, semicolon, valueBytes } from "./characters.ts";

/** The largest chunk extension. No client uses them, and servers differ in where they end. */
const maxExtensionBytes = 256;

type State = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers";

/**
 * Decodes a chunked body incrementally, up to its trailer fields, which are lines like those of a
 * head.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export class ChunkDecoder {
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #extension = 0;

  /** Reports whether all data has been read, so that the trailer fields follow. */
  get atTrailers(): boolean {
    return this.#state === "trailers";
  }

  /**
   * Reads from `start` to `end` and calls `data` with the range of each piece of the body. Returns
   * `end`, or the start of the trailer fields.
   *
   * @throws BadMessage if a chunk is invalid.
   */
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    data: (start: number, end: number) => void,
  ): number {
    let at = start;
    while (at < end && this.#state !== "trailers") {
      if (this.#state === "data") {
        const stop = Math.min(end, at + this.#size);
        data(at, stop);
        this.#size -= stop - at;
        at = stop;
        if (this.#size === 0) this.#state = "data-cr";
      } else this.#step(bytes[at++] ?? 0);
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size": {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          if (++this.#digits > 13) throw new BadMessage("a chunk's size has more than 13 digits");
          this.#size = this.#size * 16 + digit;
        } else if (this.#digits === 0) {
          throw new BadMessage("a chunk must begin with its size in hexadecimal digits");
        } else if (byte === cr) this.#state = "size-lf";
        else if (byte === semicolon) this.#state = "extension";
        else throw new BadMessage("a chunk's size must be hexadecimal digits and CR LF");
        return;
      }
      case "extension":
        if (byte === cr) this.#state = "size-lf";
        else if (valueBytes[byte] !== 1 || ++this.#extension > maxExtensionBytes) {
          throw new BadMessage("a chunk's extension has a control character or is too long");
        }
        return;
      case "size-lf":
        if (byte !== lf) throw new BadMessage("a chunk's size must end with CR LF");
        this.#state = this.#size === 0 ? "trailers" : "data";
        this.#digits = this.#extension = 0;
        return;
      case "data-cr":
        if (byte !== cr) throw new BadMessage("a chunk is longer than its size");
        this.#state = "data-lf";
        return;
      case "data-lf":
        if (byte !== lf) throw new BadMessage("a chunk must end with CR LF");
        this.#state = "size";
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
