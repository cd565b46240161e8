/** Reports whether a key matches. */
export type Matcher = (key: Uint8Array) => boolean;

const [star, question, backslash, open, close, caret, dash] = new TextEncoder().encode("*?\\[]^-");

/** Codes of a compiled pattern: a byte stands for itself, a class for its index after these. */
const anyBytes = 256;
const anyByte = 257;
const firstClass = 258;

/**
 * Compiles a pattern of Redis' `KEYS`: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, and `\` to escape a
 * byte. It compares bytes. As in Redis, an unclosed class extends to the end of the pattern, an
 * empty class matches nothing, and the empty key matches only the empty pattern and a single `*`.
 *
 * A match takes at most the key's length times the pattern's.
 *
 * @see https://redis.io/docs/latest/commands/keys/
 */
export function globMatcher(pattern: Uint8Array): Matcher {
  const { codes, classes } = compile(pattern);
  const matchesAll = pattern.length === 1 && pattern[0] === star;
  return (key) => {
    if (key.length === 0) return pattern.length === 0 || matchesAll;
    let at = 0, next = 0;
    // On a mismatch the last star takes one byte more. Earlier stars are never reconsidered, since
    // what lies between them matched at the first possible position.
    let retryNext = -1, retryAt = 0;
    while (at < key.length) {
      const code = codes[next];
      const byte = key[at] ?? 0;
      if (code === anyBytes) {
        retryNext = ++next;
        retryAt = at;
      } else if (
        code === byte || code === anyByte ||
        (code !== undefined && code >= firstClass && classes[code - firstClass]?.[byte] === 1)
      ) {
        next++;
        at++;
      } else if (retryNext >= 0) {
        next = retryNext;
        at = ++retryAt;
      } else return false;
    }
    while (codes[next] === anyBytes) next++;
    return next === codes.length;
  };
}

/** Returns the prefix that all matching keys share. */
export function literalPrefix(pattern: Uint8Array): Uint8Array {
  const special = pattern.findIndex((byte) =>
    byte === star || byte === question || byte === open || byte === backslash
  );
  return special < 0 ? pattern : pattern.subarray(0, special);
}

/** A class has an entry for each byte: 1 if it contains the byte. */
function compile(pattern: Uint8Array): { codes: Uint32Array; classes: Uint8Array[] } {
  const codes: number[] = [];
  const classes: Uint8Array[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at] ?? 0;
    if (byte === star) {
      if (codes.at(-1) !== anyBytes) codes.push(anyBytes);
    } else if (byte === question) {
      codes.push(anyByte);
    } else if (byte === open) {
      const [bytes, end] = parseClass(pattern, at + 1);
      codes.push(firstClass + classes.length);
      classes.push(bytes);
      at = end;
    } else {
      if (byte === backslash && at + 1 < pattern.length) at++;
      codes.push(pattern[at] ?? 0);
    }
  }
  return { codes: Uint32Array.from(codes), classes };
}

/** Parses the class that starts at `start`; it ends at its `]` or with the pattern. */
function parseClass(pattern: Uint8Array, start: number): [bytes: Uint8Array, end: number] {
  const isNegated = pattern[start] === caret;
  const bytes = new Uint8Array(256);
  let at = isNegated ? start + 1 : start;
  for (; at < pattern.length && pattern[at] !== close; at++) {
    const left = pattern.length - at;
    if (left >= 2 && pattern[at] === backslash) {
      at++;
      bytes[pattern[at] ?? 0] = 1;
    } else if (left >= 3 && pattern[at + 1] === dash) {
      const ends = [pattern[at] ?? 0, pattern[at + 2] ?? 0];
      bytes.fill(1, Math.min(...ends), Math.max(...ends) + 1);
      at += 2;
    } else bytes[pattern[at] ?? 0] = 1;
  }
  return [isNegated ? bytes.map((bit) => 1 - bit) : bytes, at];
}
