import { CapsuleError } from "../base/errors.ts";
import { assertModule } from "./module_header.ts";

/** The highest section number of a core module: 13 is the tag section of exception handling. */
const lastSection = 13;

/**
 * Walks over the sections of a WebAssembly module while its bytes come in, in pieces of any size, and keeps none of them. A module is whole
 * when it ends where a section ends.
 *
 * The bytes: `00 61 73 6d 01 00 00 00`, then sections, each `id size bytes…` with the size as LEB128.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */
export class SectionWalk {
  #head = new Uint8Array(0);
  #at: "magic" | "id" | "size" | "content" | "broken" = "magic";
  #fault = "";
  #size = 0;
  #sizeBytes = 0;
  #offset = 0;

  /** The same walk at the same place, to come back to. */
  copy(): SectionWalk {
    const other = new SectionWalk();
    other.#head = this.#head;
    other.#at = this.#at;
    other.#fault = this.#fault;
    other.#size = this.#size;
    other.#sizeBytes = this.#sizeBytes;
    other.#offset = this.#offset;
    return other;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#at !== "broken") {
      switch (this.#at) {
        case "magic": {
          const part = bytes.subarray(at, at + 8 - this.#head.length);
          this.#head = Uint8Array.of(...this.#head, ...part);
          at += part.length;
          // Where these eight are wrong, nothing of the rest is looked at; `fault` says what they are.
          if (this.#head.length === 8) {
            this.#at = "id";
            if (this.fault("")) this.#at = "broken";
          }
          break;
        }
        case "id": {
          const id = bytes[at++] ?? 0;
          if (id > lastSection) {
            this.#break(`there is no section ${id} (at byte ${this.#offset + at - 1})`);
          } else this.#at = "size";
          this.#size = this.#sizeBytes = 0;
          break;
        }
        case "size": {
          const byte = bytes[at++] ?? 0;
          // Multiplied, not shifted: the fifth byte reaches over 31 bits.
          this.#size += (byte & 0x7f) * 2 ** (7 * this.#sizeBytes++);
          if (this.#sizeBytes > 5 || this.#size >= 2 ** 32) {
            this.#break("the size of a section is over 32 bits");
          } else if (byte < 0x80) this.#at = this.#size === 0 ? "id" : "content";
          break;
        }
        case "content": {
          const skipped = Math.min(this.#size, bytes.length - at);
          this.#size -= skipped;
          at += skipped;
          if (this.#size === 0) this.#at = "id";
          break;
        }
      }
    }
    this.#offset += bytes.length;
  }

  /** Why the bytes that have come are no whole module; `undefined` when they are one. `what` names them in the message. */
  fault(what: string): CapsuleError | undefined {
    try {
      assertModule(this.#head, what);
    } catch (error) {
      if (error instanceof CapsuleError) return error;
      throw error;
    }
    if (this.#at === "id") return undefined;
    const why = this.#at === "broken" ? this.#fault : "it ends in the middle of a section";
    return new CapsuleError("NOT_A_MODULE", `${what} is not a WebAssembly module: ${why}`);
  }

  #break(fault: string): void {
    this.#at = "broken";
    this.#fault = fault;
  }
}
