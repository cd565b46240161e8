/** Returns a throttle: a function that returns true at most once every `ms` milliseconds. */
export function throttle(ms: number): () => boolean {
  let lastMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs - lastMs < ms) return false;
    lastMs = nowMs;
    return true;
  };
}
