import assert from "node:assert/strict";
import { locate } from "../../../src/proxy/forward/locate.ts";

Deno.test("locate: splits a target without decoding it", () => {
  const rows: ReadonlyArray<readonly [target: string, found: string]> = [
    ["/functions/hola", "hola|-|"],
    ["/function/hola", "hola|-|"],
    ["/functions/hola?q=/a", "hola|-||?q=/a"],
    ["/functions/hola/", "hola|-|/"],
    ["/functions/hola/orange", "hola|orange|"],
    ["/functions/hola/orange/", "hola|orange|/"],
    ["/functions/hola/orange//a/../%2F?", "hola|orange|//a/../%2F|?"],
    ["/functions/hola//a", "hola|-|//a"],
    ["/functions/%68ola", "%68ola|-|"],
    ["/functions/memory/x", "memory|x|"],
    ["/memory/functions/list", "admin"],
    ["/memory/", "admin"],
    ["/memory", "nothing"],
    ["/redis/functions/list", "nothing"],
    ["/", "nothing"],
    ["*", "nothing"],
    ["/functions", "nothing"],
    ["/functions?a", "nothing"],
    ["/functions/", "nothing"],
    ["/functions/?a", "nothing"],
    ["/functions//orange", "nothing"],
    ["//functions/hola", "nothing"],
    ["/Functions/hola", "nothing"],
  ];
  for (const [target, expected] of rows) {
    const found = locate(target, "memory");
    const seen = found.kind === "function"
      ? [found.name, found.revision ?? "-", found.rest, ...found.query === "" ? [] : [found.query]]
        .join("|")
      : found.kind;
    assert.equal(seen, expected, target);
  }
  assert.equal(locate("/memory/functions/list", undefined).kind, "nothing");
});
