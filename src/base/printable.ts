import type { Output } from "./io.ts";

/** Control characters that a terminal interprets, except tabs and line ends. */
// deno-lint-ignore no-control-regex
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)/g;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Escapes control characters, so that a guest's text cannot control a terminal: ESC becomes `\x1b`.
 */
export function printable(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, "0");
    return `\\x${code}`;
  });
}

/** Escapes control characters in UTF-8. Returns `bytes` itself if it has none. */
export function printableBytes(bytes: Uint8Array): Uint8Array {
  if (!bytes.some(mayControl)) return bytes;
  return encoder.encode(printable(decoder.decode(bytes)));
}

/** Returns the output itself, or one that escapes control characters if it is a terminal. */
export function terminalSafe(output: Output): Output {
  if (!output.isTerminal()) return output;
  return {
    isTerminal: () => true,
    write: (bytes) =>
      output.write(typeof bytes === "string" ? printable(bytes) : printableBytes(bytes)),
  };
}

/** Reports whether a byte is, or begins, a control character other than a tab or a line feed. */
function mayControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f || byte === 0xc2;
}
