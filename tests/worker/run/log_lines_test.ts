import assert from "node:assert/strict";
import { eachLine } from "../../../src/worker/run/lines.ts";
import { LogLines } from "../../../src/worker/run/log_lines.ts";

const encoder = new TextEncoder();
const texts = (lines: readonly { text: string }[]) => lines.map(({ text }) => text);

async function linesOf(...pieces: (string | Uint8Array<ArrayBuffer>)[]): Promise<string[]> {
  const lines: string[] = [];
  const bytes = pieces.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece);
  await eachLine(ReadableStream.from(bytes), (line) => lines.push(line));
  return lines;
}

Deno.test("eachLine: joins lines that arrive in pieces", async () => {
  const wave = encoder.encode("👋\n");
  assert.deepEqual(await linesOf("one\ntw", "o\r\n", "\n", "three"), ["one", "two", "", "three"]);
  assert.deepEqual(await linesOf(wave.subarray(0, 2), wave.subarray(2)), ["👋"]);
  assert.deepEqual(await linesOf(Uint8Array.of(0xff, 0x0a)), ["\ufffd"]);
  assert.deepEqual(await linesOf(), []);
});

Deno.test("eachLine: splits a line without an end", async () => {
  const lines = await linesOf("x".repeat(40_000), "y");
  assert.deepEqual(lines.map((line) => line.length), [16384, 16384, 7233]);
  assert.equal(lines.join(""), "x".repeat(40_000) + "y");
});

Deno.test("eachLine: a broken stream has ended", async () => {
  const lines: string[] = [];
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(encoder.encode("one\ntwo"));
    },
    pull(controller) {
      controller.error(new Error("gone"));
    },
  });
  await eachLine(broken, (line) => lines.push(line));
  assert.deepEqual(lines.slice(0, 1), ["one"]);
});

Deno.test("LogLines: keeps the last lines, by number and by length", () => {
  const logs = new LogLines();
  for (let index = 0; index < 1500; index++) logs.add(`line ${index}`, "1");
  assert.deepEqual(texts(logs.last(2)), ["line 1498", "line 1499"]);
  assert.equal(logs.last(5000).length, 1000);
  assert.deepEqual(logs.last(0), []);
  for (let index = 0; index < 100; index++) logs.add("x".repeat(16384), "1");
  assert.equal(logs.last(5000).length, 64);
});

Deno.test("LogLines: a follower receives the last lines and all later ones", async () => {
  const logs = new LogLines();
  for (const text of ["one", "two", "three"]) logs.add(text, "1");
  const reader = logs.follow(2).getReader();
  logs.add("four", "2");
  const found: string[] = [];
  for (let count = 0; count < 3; count++) found.push((await reader.read()).value?.text ?? "");
  assert.deepEqual(found, ["two", "three", "four"]);
  const end = reader.read();
  logs.close();
  assert.equal((await end).done, true);
  assert.equal((await logs.follow(0).getReader().read()).done, true);
});

Deno.test("LogLines: a follower that does not read holds a bounded number of lines", async () => {
  const logs = new LogLines();
  const slow = logs.follow(0);
  const gone = logs.follow(0);
  await gone.cancel();
  for (let index = 0; index < 10_000; index++) logs.add(String(index), "1");
  logs.close();
  const held = await Array.fromAsync(slow);
  assert.equal(held.length, 2000);
  assert.equal(held.at(-1)?.text, "1999");
});
