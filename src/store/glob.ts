/** Reports whether a key matches. */
export type Matcher = (key: Uint8Array) => boolean;

type Token = "star" | "any" | { readonly bytes: ReadonlySet<number>; readonly not: boolean };

const [star, question, backslash, open, close, caret, dash] = new TextEncoder().encode("*?\\[]^-");

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
  const tokens = tokensOf(pattern);
  const all = pattern.length === 1 && pattern[0] === star;
  return (key) => {
    if (key.length === 0) return pattern.length === 0 || all;
    let at = 0, token = 0;
    // On a mismatch the last star takes one byte more. Earlier stars are never reconsidered, since
    // what lies between them matched at the first possible position.
    let retryToken = -1, retryAt = 0;
    while (at < key.length) {
      const current = tokens[token];
      if (current === "star") {
        retryToken = ++token;
        retryAt = at;
      } else if (
        current !== undefined &&
        (current === "any" || current.bytes.has(key[at] ?? -1) !== current.not)
      ) {
        token++;
        at++;
      } else if (retryToken >= 0) {
        token = retryToken;
        at = ++retryAt;
      } else return false;
    }
    while (tokens[token] === "star") token++;
    return token === tokens.length;
  };
}

/** Returns the prefix that all matching keys share. */
export function literalPrefix(pattern: Uint8Array): Uint8Array {
  const special = pattern.findIndex((byte) =>
    byte === star || byte === question || byte === open || byte === backslash
  );
  return special < 0 ? pattern : pattern.subarray(0, special);
}

function tokensOf(pattern: Uint8Array): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at];
    if (byte === star) {
      if (tokens.at(-1) !== "star") tokens.push("star");
    } else if (byte === question) {
      tokens.push("any");
    } else if (byte === open) {
      const [token, end] = classAt(pattern, at + 1);
      tokens.push(token);
      at = end;
    } else {
      if (byte === backslash && at + 1 < pattern.length) at++;
      tokens.push({ bytes: new Set(pattern.subarray(at, at + 1)), not: false });
    }
  }
  return tokens;
}

/** Parses the class that starts at `start`; it ends at its `]` or with the pattern. */
function classAt(pattern: Uint8Array, start: number): [token: Token, end: number] {
  const bytes = new Set<number>();
  const not = pattern[start] === caret;
  let at = not ? start + 1 : start;
  for (; at < pattern.length && pattern[at] !== close; at++) {
    const left = pattern.length - at;
    if (left >= 2 && pattern[at] === backslash) {
      at++;
      bytes.add(pattern[at] ?? 0);
    } else if (left >= 3 && pattern[at + 1] === dash) {
      const ends = [pattern[at] ?? 0, pattern[at + 2] ?? 0];
      for (let byte = Math.min(...ends); byte <= Math.max(...ends); byte++) bytes.add(byte);
      at += 2;
    } else bytes.add(pattern[at] ?? 0);
  }
  return [{ bytes, not }, at];
}
