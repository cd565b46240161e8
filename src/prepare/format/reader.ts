import { CapsuleError } from "../../base/errors.ts";

/**
 * Reads a module's bytes from front to back. Every failure is a `CapsuleError` with code `LOAD` that names the offset
 * from the start of the file, so that it can be found in a hex dump.
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

  /** An unsigned LEB128 number of at most 32 bits (https://webassembly.github.io/spec/core/binary/values.html). */
  u32(what: string): number {
    const start = this.at;
    const first = start < this.end ? this.bytes[start] ?? 0 : 0x80;
    // Nearly all numbers are of one byte: they are read without a call for it.
    if (first < 0x80) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) break;
      // A power of two would make a floating-point number of it, and of every offset that is counted from it.
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed(`${what} is no 32-bit number`, start);
  }

  /** An unsigned LEB128 number of at most 64 bits, rounded as JavaScript numbers are. */
  u64(what: string): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte(what);
      if (shift === 63 && byte > 0x01) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed(`${what} is no 64-bit number`, start);
  }

  /** Steps over a LEB128 number, signed or not, of at most `maxBytes` bytes. */
  skipLeb(maxBytes: number, what: string): void {
    const start = this.at;
    for (let read = 0; read < maxBytes; read++) {
      if (this.byte(what) < 0x80) return;
    }
    throw malformed(`${what} is longer than ${maxBytes} bytes`, start);
  }

  skip(length: number, what: string): void {
    if (length > this.end - this.at) throw malformed(`${what} is cut off`, this.at);
    this.at += length;
  }

  /**
   * The count of a vector. Refused are one that the bytes left cannot hold (an item takes at least one) and one that
   * V8 would refuse, so that a small file makes nobody allocate much.
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

  /** A name: its length, then that many bytes of UTF-8. */
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

/** Made for the first name: a cli call reads none. */
let utf8: TextDecoder | undefined;
const strictDecoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The error of a module that is no WebAssembly: `what` is a clause, `offset` counts bytes from the start of the file. */
export function malformed(what: string, offset: number, cause?: unknown): CapsuleError {
  return new CapsuleError("LOAD", `Cannot read the module: ${what}, at offset ${hex(offset)}`, {
    cause,
  });
}

/** A number as tools print offsets and opcodes: `0x1f`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

/**
 * Something valid that this program does not know, so that the module must run as it is. It is no error: it is caught
 * where the module is prepared.
 */
export class UnknownConstruct extends Error {
  /** As tools write it: `0xfb 0x00`. */
  readonly opcode: string;
  /** Bytes from the start of the file. */
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
