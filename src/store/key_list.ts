import { CapsuleError } from "../base/errors.ts";

/** The largest result of `keys`, in bytes; a key counts its length and its object. */
const maxListBytes = 64 * 1024 ** 2;
const bytesPerKey = 128;

/** The result of `keys`, bounded: a pattern may match more keys than memory holds. */
export class KeyList {
  readonly #keys: Uint8Array[] = [];
  #bytes = 0;

  get keys(): Uint8Array[] {
    return this.#keys;
  }

  /** Adds a key. @throws CapsuleError `STORE` beyond the limit. */
  add(key: Uint8Array): void {
    this.#bytes += key.length + bytesPerKey;
    if (this.#bytes > maxListBytes) {
      throw new CapsuleError(
        "STORE",
        `too many keys match the pattern: the first ${this.#keys.length} fill ${maxListBytes} bytes`,
      );
    }
    this.#keys.push(key);
  }
}
