import { type AbiContext, allocate, checkRange, trap } from "./context.ts";

/**
 * Strings in guest memory, in the three encodings of the canonical ABI.
 *
 * @see CanonicalABI.md, "Loading" and "Storing"
 */

/** Bytes of the longest string that may cross between components. */
const maxBytes = 2 ** 28 - 1;
/** In a length of latin1+utf16: the string is in UTF-16. */
const utf16Tag = 2 ** 31;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Reads a string.
 *
 * @param length the number of code units, tagged in latin1+utf16.
 * @throws a trap if it is out of bounds, not aligned, or not valid in its encoding.
 */
export function loadString(cx: AbiContext, pointer: number, length: number): string {
  const { encoding } = cx;
  const isUtf16 = encoding === "utf16" || (encoding === "latin1+utf16" && length >= utf16Tag);
  const units = encoding === "latin1+utf16" && isUtf16 ? length - utf16Tag : length;
  const size = isUtf16 ? units * 2 : units;
  if (size > maxBytes) throw trap(`a string of ${size} bytes is longer than ${maxBytes}`);
  checkRange(cx, pointer, { size, alignment: encoding === "utf8" ? 1 : 2 });
  cx.countLifted(size);
  const bytes = cx.memory.bytes.subarray(pointer, pointer + size);
  if (isUtf16) return decodeUtf16(bytes);
  if (encoding === "latin1+utf16") return decodeLatin1(bytes);
  if (isAscii(bytes)) return decodeLatin1(bytes);
  try {
    return utf8.decode(bytes);
  } catch {
    throw trap("a string is not valid UTF-8");
  }
}

/**
 * Writes a string into memory that the guest allocates. Returns its pointer and its length in code
 * units, tagged in latin1+utf16.
 *
 * @throws a trap if `realloc` returns an invalid pointer.
 */
export function storeString(
  cx: AbiContext,
  text: string,
): { readonly pointer: number; readonly length: number } {
  switch (cx.encoding) {
    case "utf8":
      return storeUtf8(cx, text);
    case "utf16":
      return { pointer: storeUtf16(cx, text), length: text.length };
    case "latin1+utf16": {
      if (!isLatin1(text)) return { pointer: storeUtf16(cx, text), length: text.length + utf16Tag };
      const pointer = allocate(cx, text.length, 2);
      writeLatin1(cx.memory.bytes, pointer, text);
      return { pointer, length: text.length };
    }
  }
}

/** Short strings are compared and copied faster in a loop than by a call out of JavaScript. */
const shortLength = 64;

function storeUtf8(cx: AbiContext, text: string): { pointer: number; length: number } {
  if (text.length <= shortLength && isAsciiText(text)) {
    const pointer = allocate(cx, text.length, 1);
    writeLatin1(cx.memory.bytes, pointer, text);
    return { pointer, length: text.length };
  }
  const bytes = encoder.encode(text);
  if (bytes.length > maxBytes) throw trap(`a string of ${bytes.length} bytes is too long`);
  const pointer = allocate(cx, bytes.length, 1);
  cx.memory.bytes.set(bytes, pointer);
  return { pointer, length: bytes.length };
}

function storeUtf16(cx: AbiContext, text: string): number {
  const size = text.length * 2;
  if (size > maxBytes) throw trap(`a string of ${size} bytes is too long`);
  const pointer = allocate(cx, size, 2);
  const { view } = cx.memory;
  for (let i = 0; i < text.length; i++) view.setUint16(pointer + 2 * i, text.charCodeAt(i), true);
  return pointer;
}

function writeLatin1(bytes: Uint8Array, pointer: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[pointer + i] = text.charCodeAt(i);
}

function isAscii(bytes: Uint8Array): boolean {
  if (bytes.length > shortLength) return false;
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) > 0x7f) return false;
  return true;
}

function isAsciiText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

const chunk = 8192;

function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += chunk) {
    text += String.fromCharCode(...bytes.subarray(at, at + chunk));
  }
  return text;
}

function decodeUtf16(bytes: Uint8Array<ArrayBuffer>): string {
  const units = new Uint16Array(bytes.slice().buffer);
  let text = "";
  for (let at = 0; at < units.length; at += chunk) {
    text += String.fromCharCode(...units.subarray(at, at + chunk));
  }
  if (!text.isWellFormed()) throw trap("a string is not valid UTF-16");
  return text;
}
