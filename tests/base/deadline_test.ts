import assert from "node:assert/strict";
import { deadline, DeadlineError, withDeadline } from "../../src/base/deadline.ts";

/** Rejects with the signal's reason when it aborts, as `fetch` does. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

Deno.test("withDeadline: returns the result of work that ends in time", async () => {
  assert.equal(await withDeadline(60_000, () => Promise.resolve("done")), "done");
  assert.equal(await withDeadline(0, () => Promise.resolve("done")), "done");
});

Deno.test("withDeadline: aborts its signal after the time and throws DeadlineError", async () => {
  await assert.rejects(withDeadline(1, untilAborted), (error) => {
    assert.ok(error instanceof DeadlineError);
    assert.equal(error.message, "no end within 1 ms");
    return true;
  });
});

Deno.test("withDeadline: what a late work throws is the cause", async () => {
  const cause = new Error("connection reset");
  const late = withDeadline(1, async (signal) => {
    await untilAborted(signal).catch(() => {});
    throw cause;
  });
  await assert.rejects(late, (error) => error instanceof DeadlineError && error.cause === cause);
});

Deno.test("withDeadline: passes an error before the deadline through", async () => {
  const error = new Error("refused");
  await assert.rejects(
    withDeadline(60_000, () => Promise.reject(error)),
    (thrown) => thrown === error,
  );
});

Deno.test("withDeadline: aborts with the caller's signal, for the caller's reason", async () => {
  const caller = new AbortController();
  const reason = new Error("the client left");
  const work = withDeadline(60_000, untilAborted, caller.signal);
  caller.abort(reason);
  await assert.rejects(work, (thrown) => thrown === reason);
});

Deno.test("deadline: throws DeadlineError for a promise that never settles", async () => {
  await assert.rejects(deadline(new Promise(() => {}), 1), DeadlineError);
});

Deno.test("deadline: returns or throws what the promise does in time", async () => {
  assert.equal(await deadline(Promise.resolve(7), 60_000), 7);
  assert.equal(await deadline(Promise.resolve(7), 0), 7);
  const error = new Error("refused");
  await assert.rejects(deadline(Promise.reject(error), 60_000), (thrown) => thrown === error);
});

Deno.test("deadline: a rejection after the deadline is ignored", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  await assert.rejects(deadline(promise, 1), DeadlineError);
  reject(new Error("too late to matter"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
