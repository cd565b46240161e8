import assert from "node:assert/strict";
import { Pool } from "../../src/wasm/pool.ts";
import { guestModule, serveModule } from "../testing/function.ts";

Deno.test("a pool that is hammered by callers that trap, time out and disconnect lends no instance twice", async () => {
  const limits = ["-maxInstances=16", "-maxQueue=1000", "-timeout=4s", "-slice=1ms"];
  await using served = await serveModule(await guestModule("hammer"), limits);
  const endless = 6; // the other ten instances serve the rest
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
      // Only who went away gets no answer. Who went away late may have got one.
      assert.ok(client.signal.aborted, `${body}: ${error}`);
      return seen.gone++;
    }
    const text = await response.text();
    if (response.status === 499) return seen.gone++;
    // On a busy machine, others than the endless ones are late, too: their time counts while they wait for an instance.
    if (kindOf(i) === "forever" || response.status === 504) {
      assert.deepEqual([response.status, JSON.parse(text).code], [504, "TIMEOUT"]);
      return seen.timedOut++;
    }
    if (kindOf(i) === "panic") {
      assert.deepEqual([response.status, JSON.parse(text).message], [500, `panic: boom: ${body}`]);
      return seen.trapped++;
    }
    // A call that found another's instance would find its body, or its calls.
    assert.deepEqual([response.status, text], [200, `${body}: 1 call`]);
    return seen.answered++;
  };
  await Promise.all(Array.from({ length: 1000 }, (_, i) => one(i)));
  assert.equal(seen.answered + seen.trapped + seen.timedOut + seen.gone, 1000);
  for (const [how, count] of Object.entries(seen)) assert.ok(count > 0, `nobody was ${how}`);
  const { busy, queued, instances } = served.called.figures;
  assert.deepEqual({ busy, queued, few: instances <= 16 }, { busy: 0, queued: 0, few: true });
});

class Thing {
  isLent = false;
  closed = 0;
  close(): void {
    this.closed++;
  }
}

Deno.test("no instance is lent twice, the last one back is the first lent, and a broken one is closed once", () => {
  const made: Thing[] = [];
  const pool = new Pool({
    create: () => made[made.push(new Thing()) - 1] as Thing,
    maxInstances: 3,
    maxQueue: 0,
    idleMs: 60_000,
  });
  const [a, b, c] = [pool.take(), pool.take(), pool.take()];
  assert.equal(new Set([a, b, c]).size, 3);
  assert.equal(pool.take(), undefined);
  assert.ok(a && b && c);
  pool.giveBack(a, true);
  pool.giveBack(b, true);
  assert.throws(() => pool.giveBack(b, true), /not lent/);
  assert.equal(pool.take(), b);
  pool.giveBack(b, false);
  pool.giveBack(c, true);
  assert.equal(b.closed, 1);
  assert.deepEqual(pool.figures, { instances: 2, busy: 0, queued: 0 });
  pool.close();
  assert.deepEqual(made.map((thing) => thing.closed), [1, 1, 1]);
});

Deno.test("a pool of no instances is refused", () => {
  const options = { create: () => new Thing(), maxInstances: 0, maxQueue: 0, idleMs: 1 };
  assert.throws(() => new Pool(options), /'maxInstances' must be >= 1: current value is 0/);
});

Deno.test("callers get instances in the order in which they came, and one that goes away leaves the queue", async () => {
  const pool = new Pool({
    create: () => new Thing(),
    maxInstances: 1,
    maxQueue: 5,
    idleMs: 60_000,
  });
  const lent = pool.take();
  assert.ok(lent);
  const client = new AbortController();
  const came: string[] = [];
  const waiter = async (name: string, signal?: AbortSignal) => {
    const instance = await pool.takeLater(
      0,
      (leave) => signal?.addEventListener("abort", () => leave(signal.reason)),
    );
    came.push(name);
    return instance;
  };
  const first = waiter("first");
  const gone = waiter("gone", client.signal);
  const next = waiter("next");
  client.abort(new Error("gone"));
  await assert.rejects(gone, /gone/);
  pool.giveBack(lent, true);
  assert.equal(await first, lent);
  pool.giveBack(lent, false);
  const other = await next;
  assert.notEqual(other, lent);
  assert.deepEqual(came, ["first", "next"]);
  pool.giveBack(other, true);
  assert.deepEqual(pool.figures, { instances: 1, busy: 0, queued: 0 });
  pool.close();
});

Deno.test("an instance that lies idle for a while is freed, one that is used is kept", async () => {
  const freed: Thing[] = [];
  const pool = new Pool({
    create: () => {
      const thing = new Thing();
      const close = thing.close.bind(thing);
      return Object.assign(thing, { close: () => (close(), freed.push(thing), wake()) });
    },
    maxInstances: 3,
    maxQueue: 0,
    idleMs: 40,
  });
  let wake = () => {};
  const [used, first, second] = [pool.take(), pool.take(), pool.take()];
  assert.ok(used && first && second);
  for (const thing of [first, second, used]) pool.giveBack(thing, true);
  // The one that came back last is lent first, again and again, while the others grow old.
  const freeing = new Promise<void>((resolve) => wake = () => freed.length === 2 && resolve());
  const using = setInterval(() => {
    assert.equal(pool.take(), used);
    pool.giveBack(used, true);
  }, 1);
  await freeing;
  clearInterval(using);
  assert.deepEqual(freed, [first, second]);
  assert.deepEqual(pool.figures, { instances: 1, busy: 0, queued: 0 });
  // Nobody asks for the last one any more.
  const stay = setInterval(() => {}, 1000); // the pool's own timer keeps no process alive
  await new Promise<void>((resolve) => wake = resolve);
  clearInterval(stay);
  assert.deepEqual(freed, [first, second, used]);
  assert.deepEqual(pool.figures, { instances: 0, busy: 0, queued: 0 });
  // No timer is left: the test would be told of one, as the pool is not closed.
});
