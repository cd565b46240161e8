import assert from "node:assert/strict";
import { demangle, formatStack, guestFrames } from "../../src/function/guest_stack.ts";

/** A stack as Deno prints it, innermost frame first. */
function stackOf(names: readonly string[]): string {
  const lines = names.map((name, at) =>
    `    at ${name} (wasm://wasm/m-007ac522:wasm-function[0]:0x${(at + 1).toString(16)})`
  );
  return ["RuntimeError: unreachable", ...lines, "    at call (file:///instance.ts:1:2)"].join(
    "\n",
  );
}

const symbols: [symbol: string, path: string][] = [
  ["_RNvCsfLfy6EI15iL_7___rustc10rust_panic", "__rustc::rust_panic"],
  ["_RNvNtCset5xJoy1xWQ_3std7process5abort", "std::process::abort"],
  ["_RNvCs1234_4boom4deep", "boom::deep"],
  ["_ZN4boom4deep17h0123456789abcdefE", "boom::deep"],
  ["main.main$1", "main.main$1"],
  ["", ""],
  ["_R", "_R"],
];

for (const [symbol, path] of symbols) {
  Deno.test(`demangle: ${JSON.stringify(symbol)}`, () => assert.equal(demangle(symbol), path));
}

Deno.test("formatStack: the user's frames, and a count of the runtime's", () => {
  const frames = guestFrames(
    stackOf([
      "abort",
      "_RNvNtCset5xJoy1xWQ_3std7process5abort",
      "_RNvCs1234_4boom4deep",
      "_RNvCs1234_4boom4main",
      "_start",
    ]),
    (offset) => offset + 0x10,
  );
  assert.deepEqual(frames.map(({ offset }) => offset), [0x11, 0x12, 0x13, 0x14, 0x15]);
  assert.equal(
    formatStack(frames),
    "    at boom::deep (0x13)\n    at boom::main (0x14)\n    and 3 frames of the runtime\n",
  );
});

Deno.test("formatStack: all frames if none is the user's", () => {
  assert.equal(
    formatStack(guestFrames(stackOf(["runtime._panic"]))),
    "    at runtime._panic\n",
  );
});

Deno.test("formatStack: a function without a name, and a stack without the guest", () => {
  const frames = guestFrames(stackOf(["<anonymous>"]));
  assert.equal(formatStack(frames), "    at <anonymous>\n");
  assert.equal(formatStack(guestFrames("Error: x\n    at f (file:///a.ts:1:2)")), "");
});
