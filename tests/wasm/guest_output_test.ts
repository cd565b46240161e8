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

Deno.test("takePanic: returns the last line and writes those before it", () => {
  const { output, say, all } = outputs(false);
  say(1, "working\npan");
  say(1, "ic: runtime error: nil map\n");
  assert.equal(output.takePanic(), "panic: runtime error: nil map");
  assert.equal(all(), "1working\n");
});

Deno.test("takePanic: leaves a last line that is not a panic in the output", () => {
  const { output, say, all } = outputs(false);
  say(2, "opening db as admin:secret\n");
  assert.equal(output.takePanic(), undefined);
  assert.equal(all(), "2opening db as admin:secret\n");
});

Deno.test("takePanic: finds a Rust panic before its note, whatever the pieces", () => {
  const { output, say, all } = outputs(true);
  const text = "started\n\nthread 'main' panicked at src/main.rs:1:2:\nboom\nnote: run with x\n";
  for (const piece of text.match(/[^]{1,7}/g) ?? []) say(2, piece);
  assert.equal(output.takePanic(), "panic: boom (src/main.rs:1:2)");
  assert.equal(all(), "2f: started\n2f: \n");
});

Deno.test("takePanic: returns a panic's message of several lines", () => {
  const { output, say, all } = outputs(true);
  say(1, "a\npanic: first\n");
  say(1, "second ☹\n");
  assert.equal(output.takePanic(), "panic: first\nsecond ☹");
  assert.equal(all(), "1f: a\n");
});

Deno.test("logLine: follows the guest's own line, which then is not a panic", () => {
  const { output, say, log, all } = outputs(false);
  say(1, "own\n");
  log("logged");
  assert.equal(all(), "1own\n1logged\n");
  assert.equal(output.takePanic(), undefined);
});

Deno.test("hold: writes nothing until the call ends", () => {
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

Deno.test("discard: drops what a tentative call wrote", () => {
  const { output, say, log, all } = outputs(false);
  output.hold = true;
  log("one");
  say(1, "two");
  output.discard();
  output.end();
  assert.equal(all(), "");
});

Deno.test("formLine: writes whole lines and adds a missing line end", () => {
  const { output, say, log, all } = outputs(true);
  say(1, "par");
  log("between");
  assert.equal(all(), "1between\n");
  say(1, "t");
  output.end();
  assert.equal(all(), "1f: part\n");
});

Deno.test("formLine: prefixes a guest's lines, whole and byte by byte, and not its log lines", () => {
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

Deno.test("guestLine: in JSON any line is an object", () => {
  const form = guestLine("json", "hello");
  const line = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(form(bytes)));
  assert.deepEqual(line(new TextEncoder().encode('"☹"\r\n')), {
    level: "info",
    function: "hello",
    message: '"☹"',
  });
  assert.equal(line(Uint8Array.of(0xff, 0x0a)).message, "\ufffd");
});

Deno.test("write: a line without an end is written after 64 KiB", () => {
  const { say, all } = outputs(true);
  for (let i = 0; i < 200; i++) say(1, "x".repeat(1000));
  const shown = all();
  assert.equal(shown.length > 60_000, true);
  for (const line of shown.trimEnd().split("\n")) assert.match(line, /^1f: x+$/);
});
