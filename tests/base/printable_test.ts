import assert from "node:assert/strict";
import { createLog } from "../../src/base/log.ts";
import { printable, printableBytes } from "../../src/base/printable.ts";
import { MemoryOutput } from "../testing/memory_io.ts";

const rows: readonly (readonly [text: string, shown: string])[] = [
  ["", ""],
  ["tab\tline\nwindows\r\né 👋 \u00a0", "tab\tline\nwindows\r\né 👋 \u00a0"],
  ["\x1b]0;title\x07", "\\x1b]0;title\\x07"],
  ["\u009b31m\x7f\x00", "\\x9b31m\\x7f\\x00"],
  ["warning\rcapsule: fine", "warning\\x0dcapsule: fine"],
];

Deno.test("printable: escapes control characters, not tabs, line ends and other text", () => {
  const encoder = new TextEncoder();
  for (const [text, shown] of rows) {
    assert.equal(printable(text), shown);
    assert.deepEqual(printableBytes(encoder.encode(text)), encoder.encode(shown));
  }
});

Deno.test("log: text escapes control characters of a sentence", () => {
  const streams = { stdout: new MemoryOutput(), stderr: new MemoryOutput() };
  const log = createLog("text", streams);
  log.warn("\x1b[2J");
  log.event("ready", "\x1b[31m");
  assert.equal(streams.stderr.text, "warning: \\x1b[2J\n\\x1b[31m\n");
});
