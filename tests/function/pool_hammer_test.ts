import assert from "node:assert/strict";
import { guestModule, serveModule } from "../testing/function.ts";

Deno.test("function: under traps, timeouts and disconnects, no instance serves two calls", async () => {
  const limits = ["-maxInstances=16", "-maxQueue=1000", "-timeout=4s", "-slice=1ms"];
  await using served = await serveModule(await guestModule("hammer"), limits);
  const endless = 6; // ten instances are left for the others
  const kindOf = (i: number) =>
    i < endless ? "forever" : i % 5 === 0 ? "panic" : i % 11 === 0 ? "long" : "short";
  const seen = { answered: 0, trapped: 0, timedOut: 0, gone: 0 };
  const one = async (i: number) => {
    const client = new AbortController();
    const body = `${kindOf(i)} ☹ ${i}`;
    const answer = served.handle(
      new Request("http://test/", { method: "POST", body, signal: client.signal }),
    );
    if (i % 7 === 3) client.abort();
    else if (i % 7 === 5) setTimeout(() => client.abort(), i % 50);
    let response: Response;
    try {
      response = await answer;
    } catch (error) {
      // Only a client that went away gets no response.
      assert.ok(client.signal.aborted, `${body}: ${error}`);
      return seen.gone++;
    }
    const text = await response.text();
    if (response.status === 499) return seen.gone++;
    // On a busy machine others may be late, too: time in the queue counts.
    if (kindOf(i) === "forever" || response.status === 504) {
      assert.deepEqual([response.status, JSON.parse(text).code], [504, "TIMEOUT"]);
      return seen.timedOut++;
    }
    if (kindOf(i) === "panic") {
      assert.deepEqual([response.status, JSON.parse(text).message], [500, `panic: boom: ${body}`]);
      return seen.trapped++;
    }
    // A call in another call's instance would find that call's body or count.
    assert.deepEqual([response.status, text], [200, `${body}: 1 call`]);
    return seen.answered++;
  };
  await Promise.all(Array.from({ length: 1000 }, (_, i) => one(i)));
  assert.equal(seen.answered + seen.trapped + seen.timedOut + seen.gone, 1000);
  for (const [how, count] of Object.entries(seen)) assert.ok(count > 0, `no call was ${how}`);
  const { busy, queued, instances } = served.called.figures;
  assert.deepEqual({ busy, queued, few: instances <= 16 }, { busy: 0, queued: 0, few: true });
});
