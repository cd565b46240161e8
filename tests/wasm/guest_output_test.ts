import assert from "node:assert/strict";
import { GuestOutput } from "../../src/wasm/guest_output.ts";

function outputs(wholeLines: boolean) {
  const written: string[] = [];
  const sink = (name: string) => ({
    isTerminal: () => false,
    write: (bytes: Uint8Array | string) =>
      void written.push(name + (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes))),
  });
  const output = new GuestOutput({ stdout: sink("1"), stderr: sink("2"), wholeLines });
  const say = (descriptor: 1 | 2, text: string) => output.write(descriptor, new TextEncoder().encode(text));
  const log = (text: string) => output.logLine(new TextEncoder().encode(text));
  const all = () => written.splice(0).join("");
  return { output, say, log, all };
}

Deno.test("what a trapped call wrote last is its panic, and nothing before it", () => {
  const { output, say, all } = outputs(false);
  say(1, "working\npan");
  say(1, "ic: runtime error: nil map\n");
  assert.equal(output.takePanic(), "panic: runtime error: nil map");
  assert.equal(all(), "1working\n");
});

Deno.test("a panic's value may have several lines", () => {
  const { output, say, all } = outputs(true);
  say(1, "a\npanic: first\n");
  say(1, "second ☹\n");
  assert.equal(output.takePanic(), "panic: first\nsecond ☹");
  assert.equal(all(), "1a\n");
});

Deno.test("a log line after the guest's own shows both, in order, and leaves no panic", () => {
  const { output, say, log, all } = outputs(false);
  say(1, "own\n");
  log("logged");
  assert.equal(all(), "1own\n1logged1\n");
  assert.equal(output.takePanic(), "");
});

Deno.test("a held call shows nothing until it ends", () => {
  const { output, say, log, all } = outputs(false);
  output.hold = true;
  log("one");
  say(1, "two\n");
  say(2, "three\n");
  assert.equal(all(), "");
  assert.equal(output.heldBytes > 0, true);
  output.end();
  assert.equal(all(), "1one\ntwo\n2three\n");
});

Deno.test("a held call that is started again has written nothing", () => {
  const { output, say, log, all } = outputs(false);
  output.hold = true;
  log("one");
  say(1, "two");
  output.discard();
  output.end();
  assert.equal(all(), "");
});

Deno.test("among several guests a line goes out whole, and its end is added", () => {
  const { output, say, log, all } = outputs(true);
  say(1, "par");
  log("between");
  assert.equal(all(), "1between1\n");
  say(1, "t");
  output.end();
  assert.equal(all(), "1part\n");
});

Deno.test("a guest that writes without end of line is not kept back for ever", () => {
  const { say, all } = outputs(true);
  for (let i = 0; i < 200; i++) say(1, "x".repeat(1000));
  assert.equal(all().length > 60_000, true);
});
