/**
 * Text as bytes: a string in which each character is one byte (Latin-1), as HTTP headers travel in JavaScript.
 *
 * A guest's strings are bytes, usually UTF-8. Headers pass through as byte strings and are never decoded, so a value
 * that is no UTF-8 arrives as it left; only what a person reads, or a path, is decoded.
 */
export type ByteString = string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

const shortText = 24; // bytes that are read one by one in less time than the decoder takes to be called

/** The text of UTF-8 bytes, from `start` to `end` where only those are meant; what is no UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const short = end - start <= shortText ? asciiText(bytes, start, end) : undefined;
  return short ?? decoder.decode(bytes.subarray(start, end));
}

/** The text of the bytes from `start` to `end`; `undefined` where they are not all ASCII. For a few bytes, read one by one. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether the bytes from `start` to `end` are all ASCII. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}

/** The least code point that so many bytes after the first may stand for. */
const leastPoint = [0, 0x80, 0x800, 0x10000];

/**
 * The text of the bytes from `start` to `end`, a byte order mark included; `undefined` where they are no UTF-8. For a few bytes, read
 * one by one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3629#section-4
 */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let at = start; at < end;) {
    const first = bytes[at++] ?? 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const following = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first < 0xc2 || first > 0xf4 || at + following > end) return undefined;
    let point = first & (0x3f >> following);
    for (let count = 0; count < following; count++) {
      const byte = bytes[at++] ?? 0;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = point << 6 | byte & 0x3f;
    }
    const isSurrogate = point >= 0xd800 && point < 0xe000;
    if (point < (leastPoint[following] ?? 0) || point > 0x10ffff || isSurrogate) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

/** Writes a byte string at an offset. The caller made room for `text.length` bytes. */
export function writeByteString(text: ByteString, bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i);
}

/** Whether a byte string stands at an offset of the bytes, which may end before it does. */
export function standsAt(text: ByteString, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[offset + i]) return false;
  return true;
}

const short = 64; // bytes that are read eight by eight in less time than a call with a list of them takes
const chunk = 8192; // arguments that one call of `fromCharCode` surely takes

/** The bytes from `start` to `end` as a byte string. */
export function readByteString(bytes: Uint8Array, start: number, end: number): ByteString {
  if (end - start <= short) return readShort(bytes, start, end);
  let text = "";
  for (let from = start; from < end; from += chunk) {
    text += String.fromCharCode.apply(
      null,
      bytes.subarray(from, Math.min(from + chunk, end)) as unknown as number[],
    );
  }
  return text;
}

function readShort(bytes: Uint8Array, start: number, end: number): ByteString {
  const at = (index: number) => bytes[index] ?? 0;
  let text = "";
  let i = start;
  for (; i + 8 <= end; i += 8) {
    text += String.fromCharCode(
      at(i),
      at(i + 1),
      at(i + 2),
      at(i + 3),
      at(i + 4),
      at(i + 5),
      at(i + 6),
      at(i + 7),
    );
  }
  for (; i < end; i++) text += String.fromCharCode(at(i));
  return text;
}
