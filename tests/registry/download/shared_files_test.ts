import assert from "node:assert/strict";
import type { Part } from "../../../src/registry/download/shared_file.ts";
import { SharedFiles } from "../../../src/registry/download/shared_files.ts";
import type { Digest } from "../../../src/source/digest.ts";
import { bytesOf } from "../test_registry.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** Pieces of 10 bytes, files of 100 bytes in all. */
function world() {
  const disk = new MemoryDisk();
  const shared = new SharedFiles({ maxBytes: 100, pieceBytes: 10, open: disk.openFile });
  const begin = (
    name: string,
    part?: Partial<Part>,
    size = disk.contents.get(name)?.length ?? 0,
  ) => {
    const digest: Digest = `sha256:${name}`;
    return shared.stream({ path: name, size, digest }, { start: 0, end: size, ...part });
  };
  const get = async (name: string, part?: Partial<Part>) =>
    await bytesOf(new Response(await begin(name, part)));
  /** What is read for it, and how often it goes its own way. */
  const costs = async (name: string) => {
    const before = { bytesRead: disk.bytesRead(name), streamed: disk.streamed };
    assert.deepEqual(await get(name), disk.contents.get(name));
    return {
      bytesRead: disk.bytesRead(name) - before.bytesRead,
      streamed: disk.streamed - before.streamed,
    };
  };
  return { disk, shared, begin, get, costs };
}

const nothing = { bytesRead: 0, streamed: 0 };

Deno.test("downloads at the same time read the file once, and send the very same bytes", async () => {
  const { disk, begin } = world();
  const bytes = disk.put("a", 95);
  const streams = await Promise.all([1, 2, 3].map(() => begin("a")));
  const received = await Promise.all(streams.map((stream) => Array.fromAsync(stream)));
  for (const pieces of received) {
    assert.deepEqual(new Uint8Array(await new Blob(pieces).arrayBuffer()), bytes);
    assert.deepEqual(
      pieces.map(({ buffer }) => received[0]?.some((each) => each.buffer === buffer)),
      pieces.map(() => true),
    );
  }
  assert.deepEqual([disk.bytesRead("a"), disk.opened, disk.open], [95, 1, 0]);
});

Deno.test("a download that joins in the middle finds what was read, and both need the rest once", async () => {
  const { disk, begin, get } = world();
  const bytes = disk.put("a", 95);
  const first = (await begin("a")).getReader();
  await first.read();
  await first.read();
  assert.equal(disk.bytesRead("a"), 20, "nothing is read before somebody needs it");
  assert.deepEqual(await get("a"), bytes);
  assert.deepEqual([disk.bytesRead("a"), disk.opened, disk.open], [95, 1, 0]);
  while (!(await first.read()).done);
  assert.equal(disk.bytesRead("a"), 95);
});

Deno.test("parts of a file come from the same pieces", async () => {
  const { disk, get } = world();
  const bytes = disk.put("a", 95);
  const rows: [number, number][] = [[0, 1], [9, 10], [9, 11], [10, 20], [15, 47], [90, 95], [
    94,
    95,
  ], [
    0,
    95,
  ]];
  for (const [start, end] of rows) {
    assert.deepEqual(await get("a", { start, end }), bytes.slice(start, end), `${start}-${end}`);
    assert.equal(disk.open, 0);
  }
  assert.equal(disk.bytesRead("a"), 95);
});

Deno.test("an empty file has an empty stream", async () => {
  const { disk, begin } = world();
  disk.put("a", 0);
  const empty = await begin("a");
  assert.equal(disk.open, 0);
  for (const stream of [empty, await begin("a")]) {
    assert.deepEqual(await Array.fromAsync(stream), []);
  }
});

Deno.test("what was asked for longest ago goes when another needs the room", async () => {
  const { disk, costs } = world();
  for (const name of ["a", "b"]) disk.put(name, 50);
  disk.put("c", 30);
  disk.put("d", 70);
  for (const name of ["a", "b"]) {
    assert.deepEqual(await costs(name), { bytesRead: 50, streamed: 0 });
  }
  assert.deepEqual(await costs("a"), nothing);
  assert.deepEqual(await costs("c"), { bytesRead: 30, streamed: 0 }, "instead of b");
  assert.deepEqual(await costs("a"), nothing);
  assert.deepEqual(
    await costs("d"),
    { bytesRead: 70, streamed: 0 },
    "instead of c and of a, in that order",
  );
  assert.deepEqual(await costs("c"), { bytesRead: 30, streamed: 0 });
  assert.deepEqual(await costs("d"), nothing);
});

Deno.test("a file that is being downloaded stays, and what finds no room beside it is streamed by itself", async () => {
  const { disk, begin, get, costs } = world();
  for (const name of ["a", "b"]) disk.put(name, 60);
  disk.put("small", 40);
  const slow = (await begin("a")).getReader();
  await slow.read();
  await costs("small");
  assert.deepEqual(await costs("b"), { bytesRead: 0, streamed: 1 });
  assert.deepEqual(await costs("small"), nothing, "it would not have been enough");
  assert.deepEqual(await get("b", { start: 5, end: 25 }), disk.contents.get("b")?.slice(5, 25));
  assert.equal(disk.open, 1);
  while (!(await slow.read()).done);
  assert.deepEqual(await costs("a"), nothing);
  assert.deepEqual(await costs("b"), { bytesRead: 60, streamed: 0 });
});

Deno.test("a file that is larger than all of the room is streamed by itself, and its parts are", async () => {
  const { disk, begin, get, costs } = world();
  const bytes = disk.put("large", 101);
  disk.put("a", 100);
  await costs("a");
  assert.deepEqual(await costs("large"), { bytesRead: 0, streamed: 1 });
  assert.deepEqual(await get("large", { start: 1, end: 101 }), bytes.slice(1));
  const reader = (await begin("large", { start: 1 })).getReader();
  await reader.read();
  await reader.cancel();
  await assert.rejects(
    async () => await bytesOf(new Response(await begin("large", { start: 1 }, 110))),
    /the file ends 9 bytes early/,
  );
  assert.equal(disk.open, 0);
  assert.deepEqual(await costs("a"), nothing);
});

Deno.test("what nobody asks for is forgotten, what is being downloaded is not", async () => {
  const { disk, shared, begin, costs } = world();
  for (const name of ["a", "b"]) disk.put(name, 50);
  await costs("a");
  const slow = (await begin("b")).getReader();
  await slow.read();
  shared.dropIdle(Date.now() - 60_000);
  assert.deepEqual(await costs("a"), nothing);
  shared.dropIdle(Infinity);
  assert.deepEqual(await costs("a"), { bytesRead: 50, streamed: 0 });
  while (!(await slow.read()).done);
  assert.deepEqual(await costs("b"), nothing);
  assert.deepEqual([disk.bytesRead("b"), disk.open], [50, 0]);
});

Deno.test("what is forgotten gives its memory back at once, and not a moment before its last download has ended", async () => {
  const { disk, shared, begin } = world();
  disk.put("a", 20);
  const reader = (await begin("a")).getReader();
  const pieces = [(await reader.read()).value, (await reader.read()).value];
  // Whatever would happen without the client's asking for more happens now.
  await new Promise((resolve) => setTimeout(resolve));
  shared.dropIdle(Infinity);
  assert.deepEqual(pieces.map((piece) => piece?.length), [10, 10]);
  assert.equal((await reader.read()).done, true);
  shared.dropIdle(Infinity);
  assert.deepEqual(pieces.map((piece) => piece?.length), [0, 0]);
});

Deno.test("a read that fails cuts all who wait for it, and is tried again for who comes later", async () => {
  const { disk, begin, costs } = world();
  disk.put("a", 95);
  const [ahead, behind, leaving] = await Promise.all([
    begin("a"),
    begin("a"),
    begin("a", { start: 90 }),
  ]);
  assert(ahead && behind && leaving);
  const reader = ahead.getReader();
  await reader.read();
  await reader.read();
  disk.beforeRead = () => Promise.reject(new Error("the disk is broken"));
  await assert.rejects(reader.read(), /^Error: cannot read a: the disk is broken/);
  await assert.rejects(bytesOf(new Response(behind)), /the disk is broken/);
  await leaving.cancel();
  assert.equal(disk.open, 0);
  disk.beforeRead = () => {};
  assert.deepEqual(await costs("a"), { bytesRead: 95, streamed: 0 });
});

Deno.test("a read that fails when its file is long forgotten does no harm to who came later", async () => {
  const { disk, shared, begin, costs } = world();
  disk.put("a", 50);
  disk.put("b", 60);
  const reader = (await begin("a")).getReader();
  await reader.read();
  const reading = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<void>();
  disk.beforeRead = () => {
    reading.resolve();
    return broken.promise;
  };
  const second = reader.read();
  await reading.promise;
  disk.beforeRead = () => {};
  const gone = reader.cancel();
  shared.dropIdle(Infinity);
  await costs("a");
  broken.reject(new Error("the disk is broken"));
  await gone;
  assert.equal((await second).done, true);
  assert.deepEqual(await costs("a"), nothing);
  const slow = (await begin("a")).getReader();
  await slow.read();
  assert.deepEqual(
    await costs("b"),
    { bytesRead: 0, streamed: 1 },
    "there is no more room than before",
  );
  await slow.cancel();
  assert.equal(disk.open, 0);
});

Deno.test("a file that is shorter than said is never sent as if it were whole", async () => {
  const { disk, begin, costs } = world();
  disk.put("a", 60);
  await assert.rejects(
    async () => await bytesOf(new Response(await begin("a", { end: 95 }, 95))),
    /cannot read a: the file ends after 60 of 95 bytes/,
  );
  assert.equal(disk.open, 0);
  disk.put("a", 95);
  assert.deepEqual(await costs("a"), { bytesRead: 95, streamed: 0 });
});

Deno.test("a file that cannot be opened, or not read from its start, fails before there is a stream", async () => {
  const { disk, begin, costs } = world();
  await assert.rejects(begin("a", {}, 95), /cannot read a: a/);
  disk.put("a", 0);
  await assert.rejects(
    begin("a", { end: 95 }, 95),
    /cannot read a: the file ends after 0 of 95 bytes/,
  );
  disk.put("a", 95);
  assert.deepEqual(await costs("a"), { bytesRead: 95, streamed: 0 });
});

Deno.test("a client that goes away leaves the file open for the others only, even while it is read", async () => {
  const { disk, begin } = world();
  const bytes = disk.put("a", 95);
  const [leaving, staying] = await Promise.all([begin("a"), begin("a")]);
  assert(leaving && staying);
  const reading = Promise.withResolvers<void>();
  const allowed = Promise.withResolvers<void>();
  disk.beforeRead = () => {
    reading.resolve();
    return allowed.promise;
  };
  const reader = leaving.getReader();
  await reader.read();
  const second = reader.read();
  await reading.promise;
  const gone = reader.cancel();
  allowed.resolve();
  await gone;
  assert.equal((await second).done, true);
  assert.equal(disk.open, 1);
  assert.deepEqual(await bytesOf(new Response(staying)), bytes);
  assert.deepEqual([disk.bytesRead("a"), disk.opened, disk.open], [95, 1, 0]);
});

Deno.test("when the last client goes away in the middle, its file is closed, and opened again for the rest", async () => {
  const { disk, begin, get } = world();
  const bytes = disk.put("a", 95);
  const reader = (await begin("a")).getReader();
  await reader.read();
  await reader.cancel();
  assert.deepEqual([disk.opened, disk.open], [1, 0]);
  assert.deepEqual(await get("a"), bytes);
  assert.deepEqual([disk.bytesRead("a"), disk.opened, disk.open], [95, 2, 0]);
});

Deno.test("at the end downloads are cut, and no file stays open", async () => {
  const { disk, shared, begin } = world();
  disk.put("a", 95);
  const stream = await begin("a");
  assert.equal(disk.open, 1);
  await shared[Symbol.asyncDispose]();
  assert.equal(disk.open, 0);
  await assert.rejects(bytesOf(new Response(stream)), /the registry stops/);
});
