import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { Guest } from "../../src/wasm/guest.ts";

const sink = { write: () => {}, isTerminal: () => false };
const sinks = { stdout: sink, stderr: sink };

Deno.test("step: doubles the budget of a quick guest, up to a limit", () => {
  const guest = new Guest(sinks, { sliceMs: 0, timeoutMs: 0 });
  let budget = guest.begin(false);
  for (let call = 0; call < 20; call++) {
    const more = guest.step();
    assert.equal(more, Math.min(2_000_000, 2 * budget));
    assert.equal(guest.begin(false), more);
    budget = more;
  }
});

Deno.test("noteCall: every 32 calls force a clock check, which does not change the budget", () => {
  const guest = new Guest(sinks, { sliceMs: 0, timeoutMs: 0 });
  let ended = 0;
  guest.exhaustSteps = () => ended++;
  const budget = guest.begin(false);
  for (let call = 0; call < 320; call++) {
    const before = ended;
    guest.noteCall();
    if (ended > before) assert.equal(guest.step(), budget);
  }
  assert.equal(ended, 10);
});

Deno.test("step: stops a call at its deadline whose begin was unread", () => {
  const guest = new Guest(sinks, { sliceMs: 0, timeoutMs: 1 });
  guest.begin(false);
  let looks = 0;
  while (guest.step() !== -1) looks++;
  assert.ok(looks > 0);
  assert.match(String(guest.stopped), /'-timeout' allows 1 ms/);
});

Deno.test("waitFor: drops results of a stopped call, and stops the next call's wait", async () => {
  const guest = new Guest(sinks, { sliceMs: 0, timeoutMs: 0 });
  const took: string[] = [];
  const wait = (work: Promise<string>) =>
    guest.waitFor(work, (value) => void took.push(value), (error) => void took.push(String(error)));
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];

  guest.begin(true, 1);
  const firstWait = wait(first.promise);
  guest.stop(new CapsuleError("GONE", "the first is stopped"));
  await assert.rejects(firstWait, /the first is stopped/);

  guest.begin(true, 2);
  const secondWait = wait(second.promise);
  first.resolve("late");
  await first.promise;
  guest.stop(new CapsuleError("GONE", "the second is stopped"));
  second.reject(new Error("late, too"));
  await assert.rejects(secondWait, /the second is stopped/);
  assert.deepEqual(took, []);
});
