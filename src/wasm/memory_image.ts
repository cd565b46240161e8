/**
 * A memory at one moment. Of its bytes only the span that is not zero is kept. It is plain, for it is handed to the other threads
 * that serve the same module.
 */
export interface MemoryImage {
  /** Length of the memory. */
  readonly byteLength: number;
  /** Where the span begins and ends. */
  readonly offset: number;
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function takeMemoryImage(bytes: Uint8Array<ArrayBuffer>): MemoryImage {
  // Four bytes at a time: this is done while somebody waits, before the engine has optimized it.
  const words = new Int32Array(bytes.buffer);
  let first = 0;
  let last = words.length;
  while (first < last && words[first] === 0) first++;
  while (last > first && words[last - 1] === 0) last--;
  const offset = first * 4;
  const end = last * 4;
  return { byteLength: bytes.length, offset, end, bytes: bytes.slice(offset, end) };
}

/** Makes a memory what it was, which may have grown since; all of it outside of `runs`, pairs of offsets, is zero already. */
export function restoreMemory(
  image: MemoryImage,
  bytes: Uint8Array<ArrayBuffer>,
  runs: readonly number[],
): void {
  const { offset, end } = image;
  for (let run = 0; run < runs.length; run += 2) {
    const from = runs[run] ?? 0;
    const to = runs[run + 1] ?? 0;
    if (from < offset) bytes.fill(0, from, Math.min(to, offset));
    if (to > end) bytes.fill(0, Math.max(from, end), to);
  }
  bytes.set(image.bytes, offset);
}
