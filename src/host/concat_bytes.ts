import { encodeText } from "../base/byte_string.ts";

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
