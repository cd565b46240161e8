import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";

/**
 * Asserts that a promise rejects with a `CapsuleError` of this code and message.
 */
export async function refused(
  promise: Promise<unknown>,
  code: string,
  message: RegExp,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof CapsuleError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
