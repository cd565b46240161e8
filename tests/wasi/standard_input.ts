import assert from "node:assert/strict";

/** Makes a standard input whose reads are answered by the test. */
export function stream() {
  const asked: { buffer: Uint8Array; answer: (length: number | null) => void }[] = [];
  const read = (buffer: Uint8Array) =>
    new Promise<number | null>((answer) => void asked.push({ buffer, answer }));
  return {
    stdin: { kind: "stream" as const, read },
    asked,
    give(text: string | null) {
      const next = asked.shift();
      assert.ok(next, "no read is pending");
      if (text === null) return next.answer(null);
      next.answer(new TextEncoder().encodeInto(text, next.buffer).written);
    },
  };
}
