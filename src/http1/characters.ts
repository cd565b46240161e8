/** Codes of characters. */
export const tab = 9, lf = 10, cr = 13, space = 32, colon = 58, semicolon = 59;

/** Returns a table with 1 for each byte that is allowed. */
function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => allowed(byte) ? 1 : 0);
}

const tokenPunctuation = new Set(Array.from("!#$%&'*+-.^_`|~", (mark) => mark.charCodeAt(0)));
const isDigit = (byte: number) => byte >= 48 && byte <= 57;
const isLetter = (byte: number) => (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);

/** Tokens: names of methods and headers. @see https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
export const tokenBytes = table((byte) =>
  isDigit(byte) || isLetter(byte) || tokenPunctuation.has(byte)
);

/**
 * Field values: visible characters, space, tab, and bytes beyond ASCII.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-field-values
 */
export const valueBytes = table((byte) => byte === tab || (byte >= 32 && byte !== 127));

/**
 * Request targets. The grammar is ASCII, but `curl` sends an é as typed, and bytes beyond ASCII end
 * neither the target nor the line. A fragment (`#`) is refused: servers differ in its meaning.
 */
export const targetBytes = table((byte) => byte > 32 && byte !== 127 && byte !== 35);

/** Reports whether bytes are a word, given in lower case, in any case. */
export function equalsWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i] ?? 0;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** Decodes bytes as Latin-1, which loses nothing. */
export function byteText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}
