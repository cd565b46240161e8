import type { GuestMemory } from "../wasm/memory.ts";
import { refuse } from "./preview1.ts";

/** Buffers of one read or write, at most, as in POSIX systems; the rest is left to the next call. */
const maxVectors = 1024;

/** Refuses `EFAULT` unless that many bytes lie in the memory. Both numbers are unsigned. */
export function checkRange(memory: GuestMemory, pointer: number, length: number): void {
  if (pointer + length > memory.bytes.byteLength) refuse("EFAULT");
}

/**
 * Checks a list of buffers before any is touched: `EFAULT` when the list or one of them lies outside, `EINVAL` when
 * together they hold more than a signed 32-bit number counts. Answers how many of them this call serves.
 *
 * Two buffers, at 0x1000 with 5 bytes and at 0x2000 with 3:
 *
 *     00 10 00 00  05 00 00 00   00 20 00 00  03 00 00 00
 */
export function checkVectors(memory: GuestMemory, vectors: number, count: number): number {
  checkRange(memory, vectors, count * 8);
  const served = count > maxVectors ? maxVectors : count;
  const view = memory.view;
  const end = view.byteLength;
  let total = 0;
  for (let at = vectors; at < vectors + served * 8; at += 8) {
    const length = view.getUint32(at + 4, true);
    if (view.getUint32(at, true) + length > end) refuse("EFAULT");
    total += length;
  }
  if (total > 0x7fffffff) refuse("EINVAL");
  return served;
}

/** Tells the guest how many bytes a call moved, at a place that was checked. Answers success, as the call does then. */
export function tell(memory: GuestMemory, result: number, bytes: number): number {
  memory.view.setUint32(result, bytes, true);
  return 0;
}

/** The bytes of one buffer of a checked list. Do not keep them over a call into the guest. */
export function vectorAt(
  memory: GuestMemory,
  vectors: number,
  index: number,
): Uint8Array<ArrayBuffer> {
  const view = memory.view;
  return memory.range(
    view.getUint32(vectors + index * 8, true),
    view.getUint32(vectors + index * 8 + 4, true),
  );
}

/** The largest list of buffers that is copied together, so that one line of output is one write. */
const gatheredBytes = 65_536;
let scratch: Uint8Array<ArrayBuffer> | undefined;

/**
 * Hands the bytes of a checked list to `write`, which answers how many it took; fewer ends it. Small lists go as one
 * piece. Answers how many bytes were taken.
 */
export function writeVectors(
  memory: GuestMemory,
  vectors: number,
  count: number,
  write: (bytes: Uint8Array<ArrayBuffer>, done: number) => number,
): number {
  if (count === 1) {
    const bytes = vectorAt(memory, vectors, 0);
    return bytes.length === 0 ? 0 : write(bytes, 0);
  }
  const gathered = gather(memory, vectors, count);
  if (gathered) return gathered.length === 0 ? 0 : write(gathered, 0);
  let done = 0;
  for (let index = 0; index < count; index++) {
    const bytes = vectorAt(memory, vectors, index);
    if (bytes.length === 0) continue;
    const taken = afterFirst(done, () => write(bytes, done));
    done += taken;
    if (taken < bytes.length) break;
  }
  return done;
}

/** Fills the buffers of a checked list from `read`, which answers how many bytes it gave; fewer ends it. */
export function readVectors(
  memory: GuestMemory,
  vectors: number,
  count: number,
  read: (bytes: Uint8Array<ArrayBuffer>, done: number) => number,
): number {
  let done = 0;
  for (let index = 0; index < count; index++) {
    const bytes = vectorAt(memory, vectors, index);
    if (bytes.length === 0) continue;
    const given = afterFirst(done, () => read(bytes, done));
    done += given;
    if (given < bytes.length) break;
  }
  return done;
}

/** A failure after some bytes were moved is told by the next call, as in POSIX; this one tells how many they were. */
function afterFirst(done: number, move: () => number): number {
  if (done === 0) return move();
  try {
    return move();
  } catch {
    return 0;
  }
}

function gather(
  memory: GuestMemory,
  vectors: number,
  count: number,
): Uint8Array<ArrayBuffer> | undefined {
  scratch ??= new Uint8Array(gatheredBytes);
  let length = 0;
  for (let index = 0; index < count; index++) {
    const bytes = vectorAt(memory, vectors, index);
    if (length + bytes.length > gatheredBytes) return undefined;
    scratch.set(bytes, length);
    length += bytes.length;
  }
  return scratch.subarray(0, length);
}
