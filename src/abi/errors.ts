import { messageOf } from "../base/errors.ts";

/**
 * An error as it crosses the border between guest and host, in both directions: `[ERR][<code>]:<message>`.
 *
 * ```
 * [ERR][0]:redis: nil      code 0 means "show no code"
 * [ERR][404]:not found     the user sees "not found (404)"
 * ```
 * @see ABI.md, "Strings"
 */
export function encodeError(messageOrThrown: unknown, code = 0): string {
  return `[ERR][${code}]:${messageOf(messageOrThrown)}`;
}

const errorPattern = /^\[ERR\]\[(-?\d*)\]:/;

/** What a person is shown of a text that begins with `[ERR]`; `undefined` for any other text. */
export function decodeError(text: string): string | undefined {
  if (!text.startsWith("[ERR]")) return undefined;
  const match = errorPattern.exec(text);
  if (!match) return text.slice("[ERR]".length);
  const message = text.slice(match[0].length);
  const code = Number(match[1]);
  return code === 0 ? message : `${message} (${code})`;
}
