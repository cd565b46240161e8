export const tab = 9, lf = 10, cr = 13, space = 32, colon = 58, semicolon = 59;

/** `table[byte] === 1` for the bytes that the rule allows. */
function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => allowed(byte) ? 1 : 0);
}

const tokenPunctuation = new Set(Array.from("!#$%&'*+-.^_`|~", (mark) => mark.charCodeAt(0)));
const isDigit = (byte: number) => byte >= 48 && byte <= 57;
const isLetter = (byte: number) => (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);

/** Names of methods and headers. @see https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
export const tokenBytes = table((byte) =>
  isDigit(byte) || isLetter(byte) || tokenPunctuation.has(byte)
);

/** A header's value: visible characters, space, tab, and the bytes beyond ASCII. @see https://www.rfc-editor.org/rfc/rfc9110#name-field-values */
export const valueBytes = table((byte) => byte === tab || (byte >= 32 && byte !== 127));

/**
 * A request's target. The grammar knows ASCII only, but `curl` sends an é as it was typed, and what is beyond ASCII can end neither the
 * target nor the line. A fragment (`#`) is refused: servers differ in what they make of it.
 */
export const targetBytes = table((byte) => byte > 32 && byte !== 127 && byte !== 35);

/** Whether the bytes are this word (given in lower case), whatever their case. */
export function equalsWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i] ?? 0;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** Bytes as text, one character a byte (Latin-1), so that nothing is lost. */
export function byteText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

/** The other way round; characters over U+00FF are a bug of the caller. */
export function textBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
