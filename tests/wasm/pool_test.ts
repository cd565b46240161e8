import assert from "node:assert/strict";
import { type Closable, Pool } from "../../src/wasm/pool.ts";

class Thing implements Closable {
  closed = 0;
  close(): void {
    this.closed++;
  }
}

Deno.test("pool: lends last in, first out, refuses a second return, closes a broken instance once", () => {
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
  assert.equal(b.value.closed, 1);
  assert.throws(() => pool.giveBack(b, true), /not lent/);
  assert.deepEqual(pool.figures, { instances: 2, busy: 0, queued: 0 });
  pool.close();
  assert.deepEqual(made.map((thing) => thing.closed), [1, 1, 1]);
});

Deno.test("pool: refuses a size of 0", () => {
  const options = { create: () => new Thing(), maxInstances: 0, maxQueue: 0, idleMs: 1 };
  assert.throws(() => new Pool(options), /'maxInstances' must be >= 1: current value is 0/);
});

Deno.test("pool: serves the queue in order of arrival, without a caller that left it", async () => {
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

Deno.test("pool: closes instances that are idle, keeps one in use, and ends its timer", async () => {
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
  for (const lease of [first, second, used]) pool.giveBack(lease, true);
  // The last one back is lent first, so the others stay idle.
  const freeing = new Promise<void>((resolve) => wake = () => freed.length === 2 && resolve());
  const using = setInterval(() => {
    assert.equal(pool.take(), used);
    pool.giveBack(used, true);
  }, 1);
  await freeing;
  clearInterval(using);
  assert.deepEqual(freed, [first.value, second.value]);
  assert.deepEqual(pool.figures, { instances: 1, busy: 0, queued: 0 });
  const stay = setInterval(() => {}, 1000); // the pool's timer does not keep the process alive
  await new Promise<void>((resolve) => wake = resolve);
  clearInterval(stay);
  assert.deepEqual(freed, [first.value, second.value, used.value]);
  assert.deepEqual(pool.figures, { instances: 0, busy: 0, queued: 0 });
  // The pool is not closed: the sanitizer would find a timer that is left.
});
