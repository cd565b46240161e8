import assert from "node:assert/strict";
import { nearest } from "../../src/cli/mistyped.ts";

const candidates = ["mode", "httpPort", "host", "maxBody", "maxMemory", "wasm", "key"];

Deno.test("nearest: finds another spelling, a typing error, or a part of the word", () => {
  for (
    const [word, meant] of [
      ["HTTP_PORT", "httpPort"],
      ["http-port", "httpPort"],
      ["htpPort", "httpPort"],
      ["ohst", "host"],
      ["kay", "key"],
      ["port", "httpPort"],
      ["wasmFile", "wasm"],
      ["memory", "maxMemory"],
    ] as const
  ) {
    assert.equal(nearest(word, candidates), meant, word);
  }
});

Deno.test("nearest: returns undefined for a word that is far from all", () => {
  for (const word of ["", "x", "5", "banana", "🎃🎃🎃", "k3y1", "x".repeat(100_000)]) {
    assert.equal(nearest(word, candidates), undefined, word.slice(0, 20));
  }
});
