import assert from "node:assert/strict";
import { pollInterface, ready } from "../../../src/wasi/p2/poll.ts";
import type { P2State } from "../../../src/wasi/p2/state.ts";
import { ChunkInput } from "../../../src/wasi/p2/stream_sources.ts";
import type { Pollable } from "../../../src/wasi/p2/stream_types.ts";

const state = { pending: new Set(), assertInTime() {} } as unknown as P2State;
type Poll = (pollables: readonly Pollable[]) => number[] | Promise<number[]>;

/** Polls a pollable beside one that is always ready; returns the polls until it is ready. */
async function pollUntilReady(pollable: Pollable): Promise<number> {
  const poll = pollInterface(state).functions["poll"] as unknown as Poll;
  for (let count = 1; count < 10_000; count++) {
    const indices = poll([ready, pollable]);
    if ((indices instanceof Promise ? await indices : indices).includes(1)) return count;
  }
  throw new Error("it was never ready");
}

Deno.test("poll: a pollable of the event loop becomes ready beside one that always is", async () => {
  let isReady = false;
  setTimeout(() => isReady = true, 0);
  assert.ok(await pollUntilReady({ ...ready, isReady: () => isReady }) > 1);
});

Deno.test("poll: is synchronous if all pollables are ready", () => {
  const poll = pollInterface(state).functions["poll"] as unknown as Poll;
  for (let count = 0; count < 100; count++) assert.deepEqual(poll([ready, ready]), [0, 1]);
});

Deno.test("poll: an input stream reads when it is asked whether it is ready", async () => {
  const chunks = [Uint8Array.of(1)];
  const input = new ChunkInput({
    next: () => Promise.resolve(chunks.shift()),
    cancel: () => {},
  });
  await pollUntilReady(input);
  assert.deepEqual([...input.read(10)], [1]);
});
