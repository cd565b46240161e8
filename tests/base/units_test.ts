import assert from "node:assert/strict";
import { parseDurationMs, parseSize } from "../../src/base/units.ts";

Deno.test("a size is bytes or has a binary unit", () => {
  for (
    const [text, bytes] of [["0", 0], ["4096", 4096], ["64KiB", 65536], ["10 MiB", 10485760], [
      "1.5GiB",
      1610612736,
    ]] as const
  ) {
    assert.equal(parseSize(text), bytes, text);
  }
});

Deno.test("what is no size is refused with the value in the message", () => {
  for (const text of ["", "ten", "10MB", "-1", "1e3", "KiB", "9007199254740993GiB"]) {
    assert.throws(
      () => parseSize(text),
      { name: "CapsuleError", message: new RegExp(`got "${text}"`) },
      text,
    );
  }
});

Deno.test("a duration is written as Go writes it", () => {
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

Deno.test("what is no duration is refused with the value in the message", () => {
  for (const text of ["", "30", "-1s", "1d", "s", "1 s"]) {
    assert.throws(() => parseDurationMs(text), { message: new RegExp(`got "${text}"`) }, text);
  }
});
