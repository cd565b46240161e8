/** A function that says whether it may be told again: true when it last said so more than that many milliseconds ago. */
export function atMostEvery(ms: number): () => boolean {
  let toldMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs - toldMs < ms) return false;
    toldMs = nowMs;
    return true;
  };
}
