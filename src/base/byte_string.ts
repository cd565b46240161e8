/**
 * Bytes as a string: each character is one byte (Latin-1), as JavaScript has HTTP headers.
 *
 * The strings of a guest are bytes, usually UTF-8. Headers pass through as byte strings and are
 * never decoded, so a value that is not UTF-8 arrives unchanged. Only paths and text for people are
 * decoded.
 */
export type ByteString = string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Returns the text of the UTF-8 bytes from `start` to `end`; invalid bytes become U+FFFD. */
export function decodeText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const short = end - start <= maxShortText ? asciiText(bytes, start, end) : undefined;
  return short ?? decoder.decode(bytes.subarray(start, end));
}

/**
 * Up to this length, ASCII is read byte by byte, without a call of the decoder (bench:
 * `in-process`).
 */
const maxShortText = 24;

/**
 * Returns the text of the bytes from `start` to `end`, or `undefined` if one is not ASCII. It reads
 * byte by byte, which is faster than a decoder for a short text.
 */
export function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Reports whether the bytes from `start` to `end` are all ASCII. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}

/**
 * Returns the text of the bytes from `start` to `end`, a byte order mark included, or `undefined`
 * if they are not UTF-8.
 */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strictDecoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Returns the bytes of a byte string. */
export function encodeByteString(text: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  writeByteString(text, bytes, 0);
  return bytes;
}

/** Writes a byte string at an offset. The bytes must have room for `text.length`. */
export function writeByteString(text: ByteString, bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i);
}

/** Reports whether a byte string is at an offset of the bytes; false if they end before it does. */
export function hasByteStringAt(text: ByteString, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[offset + i]) return false;
  return true;
}

/** A number of arguments that a function call takes without overflowing the stack. */
const chunkLength = 8192;

/** Returns the bytes from `start` to `end` as a byte string. */
export function readByteString(bytes: Uint8Array, start: number, end: number): ByteString {
  let text = "";
  for (let from = start; from < end; from += chunkLength) {
    const chunk = bytes.subarray(from, Math.min(from + chunkLength, end));
    text += String.fromCharCode.apply(null, chunk as unknown as number[]);
  }
  return text;
}

/** Concatenates texts and bytes; bytes that are not UTF-8 stay as they are. */
export function concatBytes(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) => typeof part === "string" ? encodeText(part) : part);
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
