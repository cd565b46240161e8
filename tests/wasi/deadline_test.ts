/** Work whose length the guest chooses ends at the deadline, however much of it is left. */
import assert from "node:assert/strict";
import { openFolder } from "../../src/files/folder.ts";
import { type FileValues, listDirectory } from "../../src/wasi/p2/filesystem.ts";
import { pollInterface } from "../../src/wasi/p2/poll.ts";
import { randomInterface } from "../../src/wasi/p2/random.ts";
import type { P2State } from "../../src/wasi/p2/state.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { Guest } from "./guest.ts";

const length = 16 << 20;
/** More than are read between two checks. */
const entries = 1100;

/** The state of a call whose deadline passes after the first piece of work. */
class LateCall {
  done = 0;
  readonly random = (bytes: Uint8Array): void => void (this.done += bytes.length);
  readonly assertInTime = (): void => {
    if (this.done > 0) throw new Error("late");
  };

  assertStops(work: () => unknown, most: number): void {
    assert.throws(work, { message: "late" });
    assert.ok(this.done < most, `${this.done} of ${most}`);
  }

  get p2(): P2State {
    return this as Pick<P2State, "random" | "assertInTime"> as P2State;
  }
}

function addFiles(folder: TemporaryFolder): void {
  for (let index = 0; index < entries; index++) folder.write(`inside/${index}`, "");
}

Deno.test("random_get: stops at the deadline", () => {
  const call = new LateCall();
  const { random, assertInTime } = call;
  using guest = new Guest({ random, assertInTime });
  guest.memory.grow(length >> 16);
  call.assertStops(() => guest.call("random_get", 0, length), length);
});

Deno.test("fd_readdir: stops at the deadline", () => {
  const call = new LateCall();
  using guest = new Guest({ assertInTime: call.assertInTime });
  addFiles(guest.folder);
  guest.memory.grow(16);
  const read = () => guest.call("fd_readdir", 3, 0x10000, 1 << 20, 0n, guest.result);
  assert.equal(read(), "SUCCESS");
  call.done = 1;
  call.assertStops(read, entries);
});

Deno.test("get-random-bytes: stops at the deadline", () => {
  const call = new LateCall();
  const get = randomInterface(call.p2).functions["get-random-bytes"] as (length: bigint) => unknown;
  call.assertStops(() => get(BigInt(length)), length);
});

Deno.test("poll: stops at the deadline", () => {
  const call = new LateCall();
  const isReady = () => ++call.done > 0;
  const poll = pollInterface(call.p2).functions["poll"] as (pollables: unknown[]) => unknown;
  call.assertStops(() => poll(Array(entries).fill({ isReady })), entries);
});

Deno.test("read-directory: stops at the deadline", () => {
  const call = new LateCall();
  using folder = new TemporaryFolder();
  addFiles(folder);
  const type = () => void call.done++;
  const values: Pick<FileValues, "type"> = { type };
  const list = () => listDirectory(call.p2, openFolder(folder.inside, []), values as FileValues);
  call.assertStops(list, entries);
});
