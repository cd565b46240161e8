import { CapsuleError } from "../../base/errors.ts";

/**
 * Reads a module's bytes from front to back. Every method throws `CapsuleError` `LOAD` for bytes
 * that are cut off or malformed, with the offset from the start of the file, as a hex dump shows
 * it.
 */
export class Reader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte to read. */
  at: number;
  /** Offset one past the last byte that may be read. */
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(what: string): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw malformed(`${what} is cut off`, this.at);
    this.at++;
    return byte;
  }

  /**
   * Reads an unsigned LEB128 number of up to 32 bits
   * (https://webassembly.github.io/spec/core/binary/values.html).
   */
  u32(what: string): number {
    const start = this.at;
    const first = start < this.end ? this.bytes[start] ?? 0 : 0x80;
    // Hot path: nearly all numbers have one byte (bench: `prepare`).
    if (first < 0x80) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) break;
      // Shifted, not multiplied: V8 keeps the number, and every offset counted from it, an integer.
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed(`${what} is not a 32-bit number`, start);
  }

  /** Reads an unsigned LEB128 number of up to 64 bits, rounded above 2^53. */
  u64(what: string): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte(what);
      if (shift === 63 && byte > 0x01) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed(`${what} is not a 64-bit number`, start);
  }

  /** Reads a signed LEB128 number of up to 33 bits. */
  s33(what: string): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - 2 ** (shift + 7);
    }
    throw malformed(`${what} is not a 33-bit number`, start);
  }

  /** Skips a LEB128 number, signed or not, of up to `maxBytes` bytes. */
  skipLeb(maxBytes: number, what: string): void {
    const start = this.at;
    for (let read = 0; read < maxBytes; read++) {
      if (this.byte(what) < 0x80) return;
    }
    throw malformed(`${what} is longer than ${maxBytes} bytes`, start);
  }

  /** Skips a value type; `(ref null …)` and `(ref …)` are followed by a heap type. */
  skipType(): void {
    const code = this.byte("type");
    if (code === 0x63 || code === 0x64) this.skipLeb(5, "heap type");
  }

  skip(length: number, what: string): void {
    if (length > this.end - this.at) throw malformed(`${what} is cut off`, this.at);
    this.at += length;
  }

  /**
   * Reads the length of a list. Refuses one above V8's limit `max` and one that the remaining bytes
   * cannot hold (an item has at least one), so that a small file cannot cause a large allocation.
   */
  count(what: string, max = 1_000_000): number {
    const start = this.at;
    const count = this.u32(`number of ${what}`);
    if (count > max) {
      throw malformed(`${count} ${what} are more than the ${max} that V8 allows`, start);
    }
    if (count > this.end - this.at) {
      throw malformed(`${count} ${what} do not fit in the ${this.end - this.at} bytes left`, start);
    }
    return count;
  }

  /** Reads a name: a length and UTF-8. */
  name(what: string): string {
    const length = this.u32(`length of ${what}`);
    const start = this.at;
    this.skip(length, what);
    try {
      return (utf8 ??= strictDecoder()).decode(this.bytes.subarray(start, this.at));
    } catch (error) {
      throw malformed(`${what} is not UTF-8`, start, error);
    }
  }
}

/** Created with the first name: a cli call reads none. */
let utf8: TextDecoder | undefined;
const strictDecoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the error for bytes that are not WebAssembly: a clause, and an offset in the file. */
export function malformed(what: string, offset: number, cause?: unknown): CapsuleError {
  return new CapsuleError("LOAD", `Cannot read the module: ${what}, at offset ${hex(offset)}`, {
    cause,
  });
}

/** Formats a number as tools print offsets and opcodes: `0x1f`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

/**
 * Something that may be valid and that the rewriter does not know. Caught where the module is
 * prepared: such a module has no limits but those of V8.
 */
export class UnknownConstruct extends Error {
  /** In the usual notation: `0xfb 0x00`; "" for a construct without one. */
  readonly opcode: string;
  /** Offset from the start of the file, in bytes. */
  readonly offset: number;
  readonly what: string;

  constructor(opcode: string, offset: number, what: string) {
    super(`${what} (${opcode}) at offset ${hex(offset)}`);
    this.name = "UnknownConstruct";
    this.opcode = opcode;
    this.offset = offset;
    this.what = what;
  }
}

/**
 * Flags before the limits of a memory or table: it has a maximum, is shared, has 64-bit addresses.
 */
export const LimitFlag = { maximum: 1, shared: 2, is64: 4 } as const;
