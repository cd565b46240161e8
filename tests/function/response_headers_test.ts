import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import { maxHeaderListBytes } from "../../src/abi/headers.ts";
import type { Log } from "../../src/base/log.ts";
import { ResponseHeaders } from "../../src/function/response_headers.ts";

v8.setFlagsFromString("--expose-gc");
const collectGarbage: () => void = vm.runInNewContext("gc");

function logInto(warnings: string[]): Log {
  const ignore = () => {};
  return {
    info: ignore,
    error: ignore,
    event: ignore,
    warn: (line) => warnings.push(line),
  };
}

Deno.test("response headers: an invalid name is shown short and is not kept in the cache", () => {
  const warnings: string[] = [];
  const headers = new ResponseHeaders(logInto(warnings));
  const before = Deno.memoryUsage().heapUsed;
  const nameLength = 2_000_000;
  for (let index = 0; index < 100; index++) {
    const name = `${String(index).padStart(3, "0")}${"x".repeat(nameLength)} `;
    assert.deepEqual(headers.allowed([[name, "v"]]), []);
  }
  collectGarbage();
  const kept = Deno.memoryUsage().heapUsed - before;
  assert.ok(kept < 10 * nameLength, `${kept} bytes are kept`);
  assert.equal(warnings.length, 100);
  assert.match(warnings[0] ?? "", /^the function's header "000x{125}…" is left out: this is not/);
});

Deno.test("response headers: a list beyond its limit is cut, and a warning is logged", () => {
  const warnings: string[] = [];
  const list = `a:b|${"|".repeat(maxHeaderListBytes)}`;
  const { others } = new ResponseHeaders(logInto(warnings)).from(list);
  assert.deepEqual(others, [["a", "b"]]);
  assert.deepEqual(warnings, [
    `the function's headers after the first ${maxHeaderListBytes} bytes are left out`,
  ]);
});
