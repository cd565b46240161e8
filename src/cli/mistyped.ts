/**
 * Returns the candidate that the user most likely meant: another spelling (`http-port`), a typing
 * error (`htpPort`) or a part of the word (`port`); `undefined` if none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const plain = plainOf(word);
  let best: string | undefined;
  let bestDistance = Math.floor((plain.length + 1) / 3) + 1;
  for (const candidate of candidates) {
    const between = distance(plain, plainOf(candidate));
    if (between >= bestDistance) continue;
    best = candidate;
    bestDistance = between;
  }
  if (best || plain.length < 4) return best;
  const parts = candidates.filter((candidate) => {
    const other = plainOf(candidate);
    return other.includes(plain) || (other.length >= 4 && plain.includes(other));
  });
  return parts.sort((a, b) => a.length - b.length)[0];
}

const plainOf = (word: string) => word.toLowerCase().replace(/[-_.]/g, "");

/**
 * The optimal string alignment distance: insertions, deletions, replacements and swaps of
 * neighbours.
 */
function distance(a: string, b: string): number {
  const width = b.length + 1;
  const table = new Uint8Array((a.length + 1) * width);
  const at = (i: number, j: number) => table[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) {
        table[i * width + j] = i + j;
        continue;
      }
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(i - 2, j - 2) + 1);
      }
      table[i * width + j] = least;
    }
  }
  return at(a.length, b.length);
}

const maxLength = 60;

/**
 * Quotes a user's text for a message: on one line, without control characters, up to 60 characters.
 */
export function quote(text: string): string {
  // A character has up to two UTF-16 units, and the last one must not be cut in half.
  const characters = [...text.slice(0, 2 * maxLength)].slice(0, maxLength).join("");
  const cut = characters.length < text.length;
  // JSON does not escape DEL and the C1 controls, which terminals obey.
  const quoted = JSON.stringify(characters).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return cut ? `${quoted.slice(0, -1)}…"` : quoted;
}
