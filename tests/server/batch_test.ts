import assert from "node:assert/strict";
import { batched } from "../../src/server/batch.ts";

const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A batched handler that records its calls. */
function batchedEcho(handle?: (path: string) => Response | Promise<Response>) {
  const called: string[] = [];
  const handler = batched((request: Request) => {
    const path = new URL(request.url).pathname.slice(1);
    called.push(path);
    return handle?.(path) ?? new Response(path);
  });
  const ask = (path: string) => handler(new Request(`http://test/${path}`));
  const askMany = async (count: number) => {
    const answers = Array.from({ length: count }, (_, i) => ask(String(i)));
    await endOfTurn();
    return await Promise.all(answers);
  };
  /** Reports whether the next request is handled immediately. */
  const isImmediate = async () => {
    const answer = ask("probe");
    const immediate = answer instanceof Response;
    await answer;
    return immediate;
  };
  return { called, ask, askMany, isImmediate };
}

/** Requests after which those of the current turn are counted. */
const untilCount = 256;

Deno.test("batched: few requests a turn are handled immediately", async () => {
  const { ask } = batchedEcho();
  for (let turn = 0; turn < 200; turn++) {
    for (let i = 0; i < 8; i++) assert.ok(ask(String(i)) instanceof Response, `in turn ${turn}`);
    await endOfTurn();
  }
});

Deno.test("batched: many requests a turn are handled at its end, in order", async () => {
  const { called, ask, askMany } = batchedEcho();
  await askMany(untilCount + 20);
  called.length = 0;
  const answers = ["a", "b", "c"].map(ask);
  assert.deepEqual(called, []);
  await endOfTurn();
  assert.deepEqual(called, ["a", "b", "c"]);
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  assert.deepEqual(texts, ["a", "b", "c"]);
});

Deno.test("batched: a batch has at most 32 requests, the rest wait a turn", async () => {
  const { called, ask, askMany } = batchedEcho();
  await askMany(untilCount + 20);
  called.length = 0;
  const answers = Array.from({ length: 80 }, (_, i) => ask(String(i)));
  for (const seen of [32, 64, 80]) {
    await endOfTurn();
    assert.equal(called.length, seen);
  }
  await Promise.all(answers);
  assert.deepEqual(called, Array.from({ length: 80 }, (_, i) => String(i)));
});

Deno.test("batched: ends batching after four consecutive small batches", async () => {
  const { askMany, isImmediate } = batchedEcho();
  await askMany(untilCount + 20);
  await askMany(3);
  await askMany(40);
  for (let i = 0; i < 3; i++) assert.equal(await isImmediate(), false, `after ${i} small batches`);
  await askMany(3);
  assert.equal(await isImmediate(), true);
});

Deno.test("batched: a handler that throws rejects its own request only", async () => {
  const { ask, askMany } = batchedEcho((path) => {
    if (path === "throws") throw new Error("thrown");
    return path === "rejects" ? Promise.reject(new Error("rejected")) : new Response(path);
  });
  await askMany(untilCount + 20);
  const [before, throws, rejects, after] = await Promise.allSettled(
    ["before", "throws", "rejects", "after"].map(ask),
  );
  assert.equal(before?.status, "fulfilled");
  assert.match(String(throws?.status === "rejected" && throws.reason), /thrown/);
  assert.match(String(rejects?.status === "rejected" && rejects.reason), /rejected/);
  assert.equal(after?.status, "fulfilled");
});
