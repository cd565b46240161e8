/** How much is moved at a time. */
export const largeBytes = 64 * 1024;

const spare: Uint8Array<ArrayBuffer>[] = [];
const maxSpare = 512;

/** A buffer of 64 KiB and a little for frames around; give it back. */
export function borrowBuffer(): Uint8Array<ArrayBuffer> {
  return spare.pop() ?? new Uint8Array(largeBytes + 1024);
}

export function giveBack(buffer: Uint8Array<ArrayBuffer>): void {
  if (spare.length < maxSpare && buffer.length === largeBytes + 1024) spare.push(buffer);
}
