/**
 * The content of a memory at one moment. It stores the span from the first to the last non-zero
 * word. Plain data: it is posted to the other threads that serve the same module.
 */
export interface MemorySnapshot {
  /** Length of the memory in bytes. */
  readonly byteLength: number;
  /** Offsets of the span. */
  readonly offset: number;
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Copies the content of a memory. */
export function takeMemorySnapshot(bytes: Uint8Array<ArrayBuffer>): MemorySnapshot {
  // Word by word: this runs once per start, before the engine has optimized it.
  const words = new Int32Array(bytes.buffer);
  let first = 0;
  let last = words.length;
  while (first < last && words[first] === 0) first++;
  while (last > first && words[last - 1] === 0) last--;
  const offset = first * 4;
  const end = last * 4;
  return { byteLength: bytes.length, offset, end, bytes: bytes.slice(offset, end) };
}

/**
 * Restores a memory, which may have grown since.
 *
 * @param runs pairs of offsets; all bytes outside of them are known to be zero.
 */
export function restoreMemory(
  snapshot: MemorySnapshot,
  bytes: Uint8Array<ArrayBuffer>,
  runs: readonly number[],
): void {
  clearOutside(snapshot, bytes, runs);
  bytes.set(snapshot.bytes, snapshot.offset);
}

/**
 * Restores a memory into which the snapshot is mapped, and which may have grown since.
 *
 * @param runs pairs of offsets; all bytes outside of them are known to be those of the snapshot.
 */
export function restoreMapped(
  snapshot: MemorySnapshot,
  bytes: Uint8Array<ArrayBuffer>,
  runs: readonly number[],
): void {
  clearOutside(snapshot, bytes, runs);
  const { offset, end } = snapshot;
  for (let run = 0; run < runs.length; run += 2) {
    const first = Math.max(runs[run] ?? 0, offset);
    const last = Math.min(runs[run + 1] ?? 0, end);
    if (first < last) bytes.set(snapshot.bytes.subarray(first - offset, last - offset), first);
  }
}

/** Clears the parts of the runs that lie outside of the snapshot's span. */
function clearOutside(
  { offset, end }: MemorySnapshot,
  bytes: Uint8Array<ArrayBuffer>,
  runs: readonly number[],
): void {
  for (let run = 0; run < runs.length; run += 2) {
    const from = runs[run] ?? 0;
    const to = runs[run + 1] ?? 0;
    if (from < offset) bytes.fill(0, from, Math.min(to, offset));
    if (to > end) bytes.fill(0, Math.max(from, end), to);
  }
}
