import assert from "node:assert/strict";
import { mayBeginPanic, panicMessage } from "../../src/wasm/panic_message.ts";

const messages: [language: string, text: string, message: string | undefined][] = [
  ["TinyGo", "panic: runtime error: nil map\n", "panic: runtime error: nil map"],
  ["TinyGo, with a value of several lines", "panic: a\nb ☹\n", "panic: a\nb ☹"],
  [
    "Rust",
    "thread 'main' panicked at src/main.rs:3:5:\nindex out of bounds\nlen is 1\n" +
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
    "panic: index out of bounds\nlen is 1 (src/main.rs:3:5)",
  ],
  [
    "Rust 1.95",
    "thread 'main' (1) panicked at boom.rs:1:75:\nboom\n",
    "panic: boom (boom.rs:1:75)",
  ],
  [
    "Zig",
    "thread 1 panic: reached unreachable code\n/app/main.zig:3:5: 0x1 in main (main)\n???:?:?\n",
    "panic: reached unreachable code",
  ],
  ["no panic", "opening db as admin:secret\n", undefined],
  ["a panic that is only quoted", "no panic: fine\n", undefined],
  ["a line about a thread", "thread 1 has ended\n", undefined],
];

for (const [language, text, message] of messages) {
  Deno.test(`panicMessage: ${language}`, () => {
    assert.equal(panicMessage(text), message);
    assert.equal(mayBeginPanic(new TextEncoder().encode(text), 0), message !== undefined);
  });
}

Deno.test("mayBeginPanic: a line without an end may still become a panic", () => {
  const bytes = new TextEncoder().encode("thread 'ma");
  assert.equal(mayBeginPanic(bytes, 0), true);
  assert.equal(mayBeginPanic(new TextEncoder().encode("thread 'ma\n"), 0), false);
});
