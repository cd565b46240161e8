import assert from "node:assert/strict";
import { parseDurationMs, parseSize } from "../../src/base/units.ts";

Deno.test("parseSize: takes bytes, or a number with a binary unit", () => {
  for (
    const [text, bytes] of [["0", 0], ["4096", 4096], ["64KiB", 65536], ["10 MiB", 10485760], [
      "1.5GiB",
      1610612736,
    ]] as const
  ) {
    assert.equal(parseSize(text), bytes, text);
  }
});

Deno.test("parseSize: refuses other texts and names the value", () => {
  for (const text of ["", "ten", "10MB", "-1", "1e3", "KiB", "9007199254740993GiB"]) {
    assert.throws(
      () => parseSize(text),
      { name: "CapsuleError", message: new RegExp(`got "${text}"`) },
      text,
    );
  }
});

Deno.test("parseDurationMs: takes the durations of Go", () => {
  for (
    const [text, ms] of [["0", 0], ["500ms", 500], ["30s", 30000], ["2m", 120000], [
      "1h2m3.5s",
      3723500,
    ], [
      ".5s",
      500,
    ], [
      "250us",
      0.25,
    ]] as const
  ) {
    assert.equal(parseDurationMs(text), ms, text);
  }
});

Deno.test("parseDurationMs: refuses other texts and names the value", () => {
  for (const text of ["", "30", "-1s", "1d", "s", "1 s"]) {
    assert.throws(() => parseDurationMs(text), { message: new RegExp(`got "${text}"`) }, text);
  }
});
