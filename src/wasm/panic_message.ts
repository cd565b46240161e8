/**
 * Lines with which panics begin: TinyGo and Go (`panic: `), Rust (`thread 'main' panicked at`) and
 * Zig (`thread 1 panic: `).
 */
const panicLine = /^(?:panic: |thread '[^\n]*' (?:\(\d+\) )?panicked at |thread \d+ panic: )/;

const prefixes = ["panic: ", "thread "];
const newline = 0x0a;

/**
 * Reports whether a panic begins at the line that starts at `at`. A line without an end may still
 * become one.
 */
export function mayBeginPanic(bytes: Uint8Array, at: number): boolean {
  const prefix = prefixes.find((prefix) => startsWith(bytes, at, prefix));
  if (prefix === undefined) return false;
  const end = bytes.indexOf(newline, at);
  return end < 0 || panicLine.test(new TextDecoder().decode(bytes.subarray(at, end)));
}

/** Returns the message of a panic, in one form for all languages; undefined for any other text. */
export function panicMessage(text: string): string | undefined {
  if (!panicLine.test(text)) return undefined;
  const [, location, rust] = text.match(/ panicked at ([^\n]+):\n([\s\S]+)/) ?? [];
  if (location !== undefined && rust !== undefined) {
    const [message = ""] = rust.split(/\n(?:note: |stack backtrace:)/);
    return `panic: ${message.trim()} (${location})`;
  }
  const [, zig] = text.match(/^thread \d+ (panic: [^\n]*)/) ?? [];
  return (zig ?? text).trim();
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
