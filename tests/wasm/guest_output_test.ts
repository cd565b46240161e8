import assert from "node:assert/strict";
import { guestLine } from "../../src/base/log.ts";
import { GuestOutput } from "../../src/wasm/guest_output.ts";

function outputs(wholeLines: boolean) {
  const written: string[] = [];
  const sink = (name: string) => ({
    isTerminal: () => false,
    write: (bytes: Uint8Array | string) =>
      void written.push(
        name + (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)),
      ),
  });
  const output = new GuestOutput({
    stdout: sink("1"),
    stderr: sink("2"),
    formLine: wholeLines ? guestLine("text", "f") : undefined,
  });
  const say = (descriptor: 1 | 2, text: string) =>
    output.write(descriptor, new TextEncoder().encode(text));
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
  assert.equal(all(), "1f: a\n");
});

Deno.test("a log line after the guest's own shows both, in order, and leaves no panic", () => {
  const { output, say, log, all } = outputs(false);
  say(1, "own\n");
  log("logged");
  assert.equal(all(), "1own\n1logged\n");
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
  assert.equal(all(), "1between\n");
  say(1, "t");
  output.end();
  assert.equal(all(), "1f: part\n");
});

Deno.test("among several guests each line begins with the function's name, and what it logs does not", () => {
  const { output, say, log, all } = outputs(true);
  say(1, "one\n\ntwo ☹\nthr");
  log("logged\nas it is");
  say(1, "ee\n");
  say(2, "four");
  output.end();
  assert.equal(all(), "1f: one\n1f: \n1f: two ☹\n1logged\nas it is\n1f: three\n2f: four\n");
  const byteByByte = new TextEncoder().encode("☹\n");
  output.hold = true;
  for (const byte of byteByByte) output.write(1, Uint8Array.of(byte));
  output.end();
  assert.equal(all(), "1f: ☹\n");
});

Deno.test("a line in the JSON log is an object, whatever its bytes", () => {
  const form = guestLine("json", "hello");
  const line = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(form(bytes)));
  assert.deepEqual(line(new TextEncoder().encode('"☹"\r\n')), {
    level: "info",
    function: "hello",
    message: '"☹"',
  });
  assert.equal(line(Uint8Array.of(0xff, 0x0a)).message, "\ufffd");
});

Deno.test("a guest that writes without end of line is not kept back for ever", () => {
  const { say, all } = outputs(true);
  for (let i = 0; i < 200; i++) say(1, "x".repeat(1000));
  const shown = all();
  assert.equal(shown.length > 60_000, true);
  for (const line of shown.trimEnd().split("\n")) assert.match(line, /^1f: x+$/);
});
