import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Scheduler } from "../../../src/component/async/scheduler.ts";
import { ready } from "../../../src/wasi/p2/poll.ts";
import { IoError, StreamEnd } from "../../../src/wasi/p2/stream_end.ts";
import type { InputStream, OutputStream } from "../../../src/wasi/p2/stream_types.ts";
import { drainInto, streamFrom, streamOfReady } from "../../../src/wasi/p3/copies.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";

/** An input that has `size` bytes, as a file has them. */
function bytesOf(size: number): InputStream {
  const zeros = new Uint8Array(65_536);
  let rest = size;
  return {
    ...ready,
    read: (length) => {
      if (rest === 0) throw new StreamEnd();
      const bytes = zeros.subarray(0, Math.min(length, rest));
      rest -= bytes.length;
      return bytes;
    },
    close: () => {},
  };
}

/** Copies an input to an output that takes everything. Returns the scheduler and the progress. */
function copy(size: number) {
  const scheduler = new Scheduler(quietGuest());
  const progress = { bytes: 0, isDone: false };
  const output: OutputStream = {
    ...ready,
    checkWrite: () => 1 << 20,
    write: (bytes) => void (progress.bytes += bytes.length),
    flush: () => {},
    close: () => {},
  };
  const stream = streamOfReady(bytesOf(size), () => {});
  drainInto(scheduler, stream, output, () => void (progress.isDone = true));
  return { scheduler, progress };
}

Deno.test("drainInto: copies a small file synchronously", () => {
  const { progress } = copy(1_000_000);
  assert.deepEqual(progress, { bytes: 1_000_000, isDone: true });
});

Deno.test("drainInto: copies a large file in turns, between which others continue", async () => {
  const size = 2 ** 30;
  const { scheduler, progress } = copy(size);
  assert.equal(progress.bytes, 2 ** 20);
  const run = scheduler.run(() => progress.isDone);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.ok(progress.bytes < size / 2, "others continue first");
  await run;
  assert.deepEqual(progress, { bytes: size, isDone: true });
});

Deno.test("streamOfReady: reads as much as each read asks for, and ends once", () => {
  const asked: number[] = [];
  const ends: (string | undefined)[] = [];
  const input: InputStream = {
    ...ready,
    read: (length) => {
      if (asked.length === 4) throw new StreamEnd(new IoError("gone"));
      asked.push(length);
      return new Uint8Array(Math.min(length, 8));
    },
    close: () => ends.push("closed"),
  };
  const stream = streamOfReady(input, (error) => ends.push(error?.message));
  assert.deepEqual(asked, [], "nothing is read ahead");
  const results: number[] = [];
  const read = (remaining: number) => {
    const buffer = { remaining, isEmpty: remaining === 0, write: () => {} };
    stream.read(undefined, buffer, { onCopy: () => {}, onDone: (result) => results.push(result) });
  };
  for (const count of [5, 100_000, 0, 1, 7]) read(count);
  // What a read of nothing found is there for the next one.
  assert.deepEqual(asked, [5, 65_536, 1, 7]);
  assert.deepEqual(ends, []);
  read(1);
  stream.drop();
  assert.deepEqual(results, [0, 0, 0, 0, 0, 1]);
  assert.deepEqual(ends, ["closed", "gone"]);
});

Deno.test("streamFrom: ends once if its reader drops it as it copies", async () => {
  const scheduler = new Scheduler(quietGuest());
  const ends: (string | undefined)[] = [];
  let isClosed = false;
  const pieces = [new Uint8Array(0), new Uint8Array(8)];
  const input: InputStream = {
    ...ready,
    read: () => {
      if (isClosed) throw new StreamEnd(new IoError("closed"));
      return pieces.shift() ?? new Uint8Array(0);
    },
    close: () => isClosed = true,
  };
  const output: OutputStream = {
    ...ready,
    checkWrite: () => 1 << 20,
    write: () => {
      throw new StreamEnd(new IoError("gone"));
    },
    flush: () => {},
    close: () => {},
  };
  const stream = streamFrom(scheduler, input, (error) => ends.push(error?.message));
  // It reads before there are bytes: they are copied when the input has them.
  drainInto(scheduler, stream, output, () => {});
  await scheduler.run(() => true);
  assert.deepEqual(ends, [undefined]);
});
