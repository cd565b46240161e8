import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Scheduler } from "../../../src/component/async/scheduler.ts";
import { ready } from "../../../src/wasi/p2/poll.ts";
import { StreamEnd } from "../../../src/wasi/p2/stream_end.ts";
import type { InputStream, OutputStream } from "../../../src/wasi/p2/stream_types.ts";
import { drainInto, streamFrom } from "../../../src/wasi/p3/copies.ts";
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
  drainInto(
    scheduler,
    streamFrom(scheduler, bytesOf(size)),
    output,
    () => void (progress.isDone = true),
  );
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
