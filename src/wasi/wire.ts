import type { GuestMemory } from "../wasm/memory.ts";
import { refuse } from "./preview1.ts";
import type { WasiState } from "./state.ts";

/** Most iovecs used by one call, as in POSIX (`IOV_MAX`): the transfer is then a partial one. */
const maxIovs = 1024;

/** Largest piece of a transfer, in bytes; the clock is read after each. */
const maxPieceBytes = 8 << 20;

/** Throws `EFAULT` unless the memory contains that range. Both numbers are unsigned. */
export function checkRange(memory: GuestMemory, pointer: number, length: number): void {
  if (pointer + length > memory.bytes.byteLength) refuse("EFAULT");
}

/**
 * Checks a list of iovecs before any is used, and returns how many of them this call uses. Throws
 * `EFAULT` if the list or a buffer lies outside the memory, `EINVAL` if the buffers hold more than
 * 2^31 - 1 bytes together.
 *
 * Two iovecs, 5 bytes at 0x1000 and 3 bytes at 0x2000:
 *
 *     00 10 00 00  05 00 00 00   00 20 00 00  03 00 00 00
 */
export function checkIovs(memory: GuestMemory, iovs: number, iovs_len: number): number {
  checkRange(memory, iovs, iovs_len * 8);
  const used = iovs_len > maxIovs ? maxIovs : iovs_len;
  const view = memory.view;
  const end = view.byteLength;
  let total = 0;
  for (let at = iovs; at < iovs + used * 8; at += 8) {
    const length = view.getUint32(at + 4, true);
    if (view.getUint32(at, true) + length > end) refuse("EFAULT");
    total += length;
  }
  if (total > 0x7fffffff) refuse("EINVAL");
  return used;
}

/** Writes a `size` to a checked pointer. Returns success, as the calling function does then. */
export function writeSize(memory: GuestMemory, pointer: number, size: number): number {
  memory.view.setUint32(pointer, size, true);
  return 0;
}

/** Returns the buffer of one checked iovec. Do not keep it across a call into the guest. */
function bufferOf(
  memory: GuestMemory,
  iovs: number,
  index: number,
): Uint8Array<ArrayBuffer> {
  const view = memory.view;
  return memory.range(
    view.getUint32(iovs + index * 8, true),
    view.getUint32(iovs + index * 8 + 4, true),
  );
}

/** Buffers up to this size together are written as one, so that a line of output is one write. */
const maxGatheredBytes = 65_536;
let scratch: Uint8Array<ArrayBuffer> | undefined;

/**
 * Passes the bytes of checked iovecs to `write`, which returns how many it took; fewer ends the
 * transfer. Returns the number of bytes taken.
 */
export function writeIovs(
  state: WasiState,
  iovs: number,
  count: number,
  write: (bytes: Uint8Array<ArrayBuffer>, done: number) => number,
): number {
  const whole = count === 1 ? bufferOf(state.memory, iovs, 0) : gather(state.memory, iovs, count);
  if (whole === undefined || whole.length > maxPieceBytes) {
    return transferIovs(state, iovs, count, write);
  }
  return whole.length === 0 ? 0 : write(whole, 0);
}

/**
 * Passes each buffer of checked iovecs to `move`, large ones in pieces, which returns how many
 * bytes it read or wrote; fewer ends the transfer. Returns the number of bytes moved.
 */
export function transferIovs(
  state: WasiState,
  iovs: number,
  count: number,
  move: (bytes: Uint8Array<ArrayBuffer>, done: number) => number,
): number {
  let done = 0;
  let doneAtLook = 0;
  for (let index = 0; index < count; index++) {
    const buffer = bufferOf(state.memory, iovs, index);
    for (let at = 0; at < buffer.length; at += maxPieceBytes) {
      const bytes = buffer.length > maxPieceBytes
        ? buffer.subarray(at, at + maxPieceBytes)
        : buffer;
      const moved = zeroAfterFirst(done, () => move(bytes, done));
      done += moved;
      if (moved < bytes.length) return done;
      if (done - doneAtLook < maxPieceBytes) continue;
      doneAtLook = done;
      state.assertInTime();
    }
  }
  return done;
}

/** Once bytes were moved, an error ends the transfer, and the next call reports it, as in POSIX. */
function zeroAfterFirst(done: number, move: () => number): number {
  if (done === 0) return move();
  try {
    return move();
  } catch {
    return 0;
  }
}

function gather(
  memory: GuestMemory,
  iovs: number,
  count: number,
): Uint8Array<ArrayBuffer> | undefined {
  scratch ??= new Uint8Array(maxGatheredBytes);
  let length = 0;
  for (let index = 0; index < count; index++) {
    const bytes = bufferOf(memory, iovs, index);
    if (length + bytes.length > maxGatheredBytes) return undefined;
    scratch.set(bytes, length);
    length += bytes.length;
  }
  return scratch.subarray(0, length);
}
