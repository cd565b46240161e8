import assert from "node:assert/strict";
import {
  type AbiOptions,
  CallContext,
} from "../../../src/component/instance/component_instance.ts";

const maxLiftedBytes = 2 ** 28;

/** Returns the context of a call whose guest checks its deadline with `assertInTime`. */
function callContext(assertInTime: () => void): CallContext {
  const guest = { assertInTime, noteCopied: () => {} };
  return new CallContext({ guest } as unknown as AbiOptions);
}

Deno.test("CallContext: the strings and lists of one call have a limit in bytes", () => {
  const context = callContext(() => {});
  for (let piece = 0; piece < 16; piece++) context.countLifted(maxLiftedBytes / 16);
  assert.throws(
    () => context.countLifted(1),
    /strings and lists of one call are longer than 268435456/,
  );
});

Deno.test("CallContext: lifting checks the deadline once per mebibyte", () => {
  let checks = 0;
  const context = callContext(() => void checks++);
  for (let count = 0; count < 64; count++) context.countLifted(1 << 16);
  assert.equal(checks, 4);
});
