import assert from "node:assert/strict";
import { Pool } from "../../src/wasm/pool.ts";
import { guestModule, serveModule } from "../testing/function.ts";

Deno.test("callers that trap, time out, disconnect and compute leave a pool whose counts match", async () => {
  const flags = ["-maxInstances=16", "-maxQueue=2000", "-timeout=10s", "-slice=1ms"];
  await using served = await serveModule(await guestModule("panic"), flags);
  const answers: Record<string, number> = {};
  const count = (kind: string) => answers[kind] = (answers[kind] ?? 0) + 1;
  const one = async (i: number) => {
    const client = new AbortController();
    const body = i % 5 === 0 ? `panic ${i}` : `fine ${i}`;
    const answer = served.handle(
      new Request("http://test/", { method: "POST", body, signal: client.signal }),
    );
    if (i % 7 === 0) client.abort();
    const response = await answer;
    const text = await response.text();
    if (i % 5 === 0) {
      assert.deepEqual([response.status, JSON.parse(text).message], [500, `panic: boom: panic ${i}`]);
    } else assert.deepEqual([response.status, text], [200, "1 calls, 1 finished"]);
    count(String(response.status));
  };
  await Promise.all(Array.from({ length: 1000 }, (_, i) =>
    one(i).catch((error) => {
      if (error instanceof DOMException || /abort/i.test(String(error))) count("gone");
      else throw error;
    })));
  assert.equal(Object.values(answers).reduce((sum, n) => sum + n, 0), 1000);
  const { busy, queued, instances } = served.called.figures;
  assert.deepEqual({ busy, queued, few: instances <= 16 }, { busy: 0, queued: 0, few: true });
});

Deno.test("endless and waiting calls among quick ones leave no instance behind", async () => {
  // Twelve are endless: the other four instances serve the rest, whose time counts while they wait for one.
  const flags = ["-maxInstances=16", "-maxQueue=200", "-timeout=2s", "-slice=1ms"];
  await using served = await serveModule(await guestModule("loop"), flags);
  const statuses = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
    const body = i % 5 === 0 ? "forever" : "quick";
    return (await served.handle(new Request("http://test/", { method: "POST", body }))).status;
  }));
  assert.deepEqual(statuses, statuses.map((_, i) => i % 5 === 0 ? 504 : 200));
  const { busy, queued } = served.called.figures;
  assert.deepEqual({ busy, queued }, { busy: 0, queued: 0 });
});

class Thing {
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

Deno.test("a caller that goes away while it waits for an instance leaves the queue", async () => {
  const pool = new Pool({ create: () => new Thing(), maxInstances: 1, maxQueue: 5, idleMs: 60_000 });
  const lent = pool.take();
  assert.ok(lent);
  const client = new AbortController();
  const gone = pool.takeLater(client.signal);
  const next = pool.takeLater();
  client.abort(new Error("gone"));
  await assert.rejects(gone, /gone/);
  pool.giveBack(lent, true);
  assert.equal(await next, lent);
  pool.giveBack(lent, true);
  assert.deepEqual(pool.figures, { instances: 1, busy: 0, queued: 0 });
  pool.close();
});
