import assert from "node:assert/strict";
import { gathered } from "../../src/server/gather.ts";

const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A gathered handler, what it was called with so far, and many or few requests at once. */
function gatheredEcho(handle?: (path: string) => Response | Promise<Response>) {
  const called: string[] = [];
  const handler = gathered((request) => {
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
  /** Whether the next request is answered at once. */
  const answersAtOnce = async () => {
    const answer = ask("probe");
    const atOnce = answer instanceof Response;
    await answer;
    return atOnce;
  };
  return { called, ask, askMany, answersAtOnce };
}

/** As many as it takes for a look at how many come in a turn, which the rest of the same turn is counted by. */
const untilLook = 256;

Deno.test("few requests in a turn are answered at once, however many come in all", async () => {
  const { ask } = gatheredEcho();
  for (let turn = 0; turn < 200; turn++) {
    for (let i = 0; i < 8; i++) assert.ok(ask(String(i)) instanceof Response, `in turn ${turn}`);
    await endOfTurn();
  }
});

Deno.test("many requests in a turn wait for its end, and are answered in the order in which they came", async () => {
  const { called, ask, askMany } = gatheredEcho();
  await askMany(untilLook + 20);
  called.length = 0;
  const answers = ["a", "b", "c"].map(ask);
  assert.deepEqual(called, []);
  await endOfTurn();
  assert.deepEqual(called, ["a", "b", "c"]);
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  assert.deepEqual(texts, ["a", "b", "c"]);
});

Deno.test("of very many requests 32 are answered at a stretch, the others after the next turn", async () => {
  const { called, ask, askMany } = gatheredEcho();
  await askMany(untilLook + 20);
  called.length = 0;
  const answers = Array.from({ length: 80 }, (_, i) => ask(String(i)));
  for (const seen of [32, 64, 80]) {
    await endOfTurn();
    assert.equal(called.length, seen);
  }
  await Promise.all(answers);
  assert.deepEqual(called, Array.from({ length: 80 }, (_, i) => String(i)));
});

Deno.test("when few come again for some turns, they are answered at once again", async () => {
  const { askMany, answersAtOnce } = gatheredEcho();
  await askMany(untilLook + 20);
  await askMany(3);
  await askMany(40);
  for (let i = 0; i < 3; i++) assert.equal(await answersAtOnce(), false, `after ${i} thin turns`);
  await askMany(3);
  assert.equal(await answersAtOnce(), true);
});

Deno.test("a gathered request whose handler throws is rejected alone", async () => {
  const { ask, askMany } = gatheredEcho((path) => {
    if (path === "throws") throw new Error("thrown");
    return path === "rejects" ? Promise.reject(new Error("rejected")) : new Response(path);
  });
  await askMany(untilLook + 20);
  const [before, throws, rejects, after] = await Promise.allSettled(
    ["before", "throws", "rejects", "after"].map(ask),
  );
  assert.equal(before?.status, "fulfilled");
  assert.match(String(throws?.status === "rejected" && throws.reason), /thrown/);
  assert.match(String(rejects?.status === "rejected" && rejects.reason), /rejected/);
  assert.equal(after?.status, "fulfilled");
});
