import assert from "node:assert/strict";
import { Scheduler } from "../../../src/component/async/scheduler.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";

Deno.test("scheduler: work that is cancelled after its result arrived is not applied", async () => {
  const scheduler = new Scheduler(quietGuest());
  const applied: string[] = [];
  const arrived = Promise.resolve();
  const work = ["first", "second"].map((name) =>
    scheduler.add(arrived, () => {
      applied.push(name);
      if (name === "first") work[1]?.cancel();
    })
  );
  await arrived;
  await scheduler.run(() => true);
  assert.deepEqual(applied, ["first"]);
});
