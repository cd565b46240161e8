import assert from "node:assert/strict";
import { allocateArguments } from "../../src/abi/handler_call.ts";
import { compileWat } from "../prepare/modules.ts";
import { guestModule, serveModule, type TestFunction } from "../testing/function.ts";
import { sleeper } from "../testing/sleeper.ts";

const post = (body: string, signal?: AbortSignal) =>
  new Request("http://test/", { method: "POST", body, signal });

Deno.test("timeout: an endless call is a 504, and the next call works", async () => {
  await using served = await serveModule(await guestModule("loop"), ["-timeout=100ms"]);
  for (let i = 0; i < 3; i++) {
    const response = await served.handle(post("forever"));
    assert.equal(response.status, 504);
    const { code, message, limitMs, elapsedMs } = await response.json();
    assert.equal(code, "TIMEOUT");
    assert.match(message, /-timeout/);
    assert.equal(limitMs, 100);
    assert.equal(elapsedMs >= 100, true);
    assert.match(
      served.output().stderr,
      /error: guest\.wasm: the function was stopped after \d+ ms: '-timeout' allows 100 ms/,
    );
    assert.equal(await served.post("x"), "done");
  }
  assert.deepEqual(served.called.figures, { instances: 1, busy: 0, queued: 0 });
});

Deno.test("slices: while guests compute endlessly, others are served", async () => {
  await using served = await serveModule(await guestModule("loop"), ["-timeout=1h"]);
  const client = new AbortController();
  const endless = [1, 2, 3].map(() => served.handle(post("forever", client.signal)));
  for (let i = 0; i < 10; i++) assert.equal(await served.post("x"), "done");
  assert.equal(served.called.figures.busy, 3);
  client.abort();
  for (const response of await Promise.all(endless)) assert.equal(response.status, 499);
});

Deno.test("slices: a paused computation has the right result", async () => {
  await using sliced = await serveModule(await guestModule("compute"), ["-slice=1ms"]);
  await using whole = await serveModule(await guestModule("compute"), ["-slice=596h"]);
  for (
    const work of ["arithmetic 20000000", "sieve 40000", "json 300", "strings 300", "fibonacci 25"]
  ) {
    const answer = await whole.post(work);
    assert.doesNotMatch(answer, /want a name|TRAP/, `${work}: ${answer}`);
    assert.equal(await sliced.post(work), answer, work);
  }
});

/** A guest that logs `once`, and then has a side effect if it is called with a body. */
const logsThenPings = `(module
  (import "env" "hostLogString" (func $log (param i32 i32)))
  (import "env" "hostPing" (func $ping (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "once")
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
  (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
    (call $log (i32.const 16) (i32.const 4))
    (if (local.get 1) (then (call $ping (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 4))))
    (i64.const 0)))`;

Deno.test("rerun: a call that is discarded before a side effect logs once", async () => {
  await using served = await serveModule(compileWat(logsThenPings));
  assert.equal(await callsLater(served), false, "calls are tentative first");
  assert.equal(served.output().stdout, "once\n");
  assert.equal(await callsLater(served, [0, 1, 0, 0]), true, "a side effect needs a rerun");
  assert.equal(served.output().stdout, "once\n");
});

Deno.test("client: leaving ends its call", async () => {
  await using served = await serveModule(await guestModule("loop"));
  const client = new AbortController();
  const answer = served.handle(post("forever", client.signal));
  await served.post("x");
  client.abort();
  assert.equal((await answer).status, 499);
  assert.deepEqual(served.called.figures, { instances: 2, busy: 0, queued: 0 });
});

Deno.test("client: leaving while its call is queued leaves the queue", async () => {
  await using served = await serveModule(sleeper("callHandleHttp"), [
    "-maxInstances=1",
    "-timeout=1m",
  ]);
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = served.handle(post("", running.signal));
  const second = served.handle(post("", waiting.signal));
  const third = served.handle(post("", AbortSignal.abort()));
  assert.equal((await third).status, 499);
  assert.deepEqual(served.called.figures, { instances: 1, busy: 1, queued: 1 });
  waiting.abort();
  assert.deepEqual(await (await second).json(), {
    code: "CLIENT_GONE",
    message: "the client went away",
  });
  assert.deepEqual(served.called.figures, { instances: 1, busy: 1, queued: 0 });
  running.abort();
  assert.equal((await first).status, 499);
  assert.deepEqual(served.called.figures, { instances: 1, busy: 0, queued: 0 });
});

Deno.test("timeout: stops a _start that waits", async () => {
  await assert.rejects(serveModule(sleeper("_start"), ["-timeout=50ms"]), {
    code: "TIMEOUT",
    limitMs: 50,
  });
});

/** An upstream on loopback that responds after `release`. */
function upstream() {
  const waiting: (() => void)[] = [];
  let released = false;
  let arrived = () => {};
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    arrived();
    if (!released) await new Promise<void>((resolve) => waiting.push(resolve));
    return new Response(`${request.method} ${await request.text()}`);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    /** Resolves when `count` requests wait. */
    async until(count: number) {
      while (waiting.length < count) await new Promise<void>((resolve) => arrived = resolve);
    },
    release() {
      released = true;
      for (const resolve of waiting.splice(0)) resolve();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("waiting: a thousand calls wait for one slow upstream together", async () => {
  await using slow = upstream();
  await using served = await serveModule(await guestModule("upstream"), [], {
    UPSTREAM_URL: slow.url,
  });
  const calls = Array.from(
    { length: 1000 },
    (_, i) => served.post(`☹ ${i}`, { "upstream-method": "POST" }),
  );
  await slow.until(1000);
  assert.equal(served.called.figures.busy, 1000);
  slow.release();
  assert.deepEqual(await Promise.all(calls), calls.map((_, i) => `POST ☹ ${i}`));
});

Deno.test("timeout: stops a call that waits, and its host call", async () => {
  await using slow = upstream();
  await using served = await serveModule(await guestModule("upstream"), ["-timeout=50ms"], {
    UPSTREAM_URL: slow.url,
  });
  const response = await served.handle(post(""));
  assert.equal(response.status, 504);
  assert.equal((await response.json()).code, "TIMEOUT");
  slow.release();
});

Deno.test("maxInstances: further calls queue in order, beyond -maxQueue they are a 503", async () => {
  await using slow = upstream();
  const flags = ["-maxInstances=2", "-maxQueue=3"];
  await using served = await serveModule(await guestModule("upstream"), flags, {
    UPSTREAM_URL: slow.url,
  });
  const calls = [0, 1, 2, 3, 4].map((i) => served.post(String(i), { "upstream-method": "POST" }));
  await slow.until(2);
  assert.deepEqual(served.called.figures, { instances: 2, busy: 2, queued: 3 });
  const refused = await served.handle(post(""));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.deepEqual(await refused.json(), {
    code: "OVERLOADED",
    message: "the function is busy: '-maxInstances=2' calls run and '-maxQueue=3' wait",
  });
  slow.release();
  assert.deepEqual(await Promise.all(calls), calls.map((_, i) => `POST ${i}`));
});

Deno.test("allowNet: a refused address is an error that names the flag", async () => {
  await using slow = upstream();
  slow.release();
  const env = { UPSTREAM_URL: slow.url };
  await using confined = await serveModule(
    await guestModule("upstream"),
    ["-allowNet=10.0.0.0/8"],
    env,
  );
  assert.match(await confined.post(""), /-allowNet=127\.0\.0\.1/);
  await using allowed = await serveModule(
    await guestModule("upstream"),
    ["-allowNet=127.0.0.1"],
    env,
  );
  assert.equal(await allowed.post(""), "GET ");
  await using nothing = await serveModule(await guestModule("upstream"), ["-sandbox"], env);
  assert.match(await nothing.post("", { "upstream-url": slow.url }), /-sandbox/);
});

Deno.test("timeout: includes the time in the queue", async () => {
  await using slow = upstream();
  const flags = ["-maxInstances=1", "-timeout=100ms"];
  await using served = await serveModule(await guestModule("upstream"), flags, {
    UPSTREAM_URL: slow.url,
  });
  const [first, second] = await Promise.all([served.handle(post("")), served.handle(post(""))]);
  assert.deepEqual([first.status, second.status], [504, 504]);
  slow.release();
  assert.deepEqual(served.called.figures.queued, 0);
});

Deno.test("client: leaving after its response does not stop the next call", async () => {
  await using slow = upstream();
  await using served = await serveModule(await guestModule("upstream"), ["-maxInstances=1"], {
    UPSTREAM_URL: slow.url,
  });
  const client = new AbortController();
  const request = post("", client.signal);
  const watched = nextListener(request.signal);
  const first = served.handle(request);
  await slow.until(1);
  await watched;
  slow.release();
  assert.equal(await (await first).text(), "GET ");
  await using again = upstream();
  const second = served.post("", { "upstream-url": again.url });
  await again.until(1);
  client.abort();
  again.release();
  assert.equal(await second, "GET ");
});

/** Resolves when a listener is added to a signal. */
function nextListener(signal: AbortSignal): Promise<void> {
  const add = signal.addEventListener.bind(signal);
  return new Promise((resolve) => {
    Object.assign(signal, {
      addEventListener(...args: Parameters<typeof add>) {
        add(...args);
        resolve();
      },
    });
  });
}

Deno.test("reuse: calls are never rerun, so state survives slow calls", async () => {
  await using served = await serveModule(await guestModule("counter"), ["-reuse", "-slice=1ns"]);
  for (let i = 1; i <= 5; i++) assert.equal(await served.post(""), String(i));
});

Deno.test("slices: an occasional slow call does not make later ones awaitable, many do", async () => {
  await using served = await serveModule(await guestModule("compute"), ["-slice=10ms"]);
  await served.post("arithmetic 40000000");
  assert.equal(await callsLater(served), false);
  for (let i = 0; i < 4; i++) await served.post("arithmetic 40000000");
  assert.equal(await callsLater(served), true);
});

Deno.test("slices: a _start that was slow once still runs synchronously", async () => {
  startsSlowlyUntil(0); // compiles the text for the first time
  await using served = await serveModule(startsSlowlyUntil(Date.now() + 100), ["-slice=5ms"]);
  await callsLater(served); // uses the first instance, which is started already
  assert.equal(await callsLater(served), false);
});

/** A module whose `_start` returns only after `timeMs`, in milliseconds since 1970. */
function startsSlowlyUntil(timeMs: number): Uint8Array<ArrayBuffer> {
  return compileWat(`(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
    (func (export "_start")
      (loop
        (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 8)))
        (br_if 0 (i64.lt_u (i64.load (i32.const 8)) (i64.const ${timeMs}000000)))))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (i64.const 0)))`);
}

/** Reports whether a call of the function returns a promise. */
function callsLater(
  { called }: TestFunction,
  args: readonly number[] = [0, 0, 0, 0],
): Promise<true> | false {
  const answer = called.call({ pass: () => args, take: () => undefined });
  return answer instanceof Promise ? answer.then(() => true as const) : false;
}

Deno.test("timeout: an allocator that does not return is stopped long before -timeout", async () => {
  const module = `(module
    (memory (export "memory") 1)
    (func (export "malloc") (param i32) (result i32)
      (loop $l (br_if $l (i32.eq (local.get 0) (i32.const 5)))) (i32.const 4096))
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (i64.const 0)))`;
  await using served = await serveModule(compileWat(module), ["-timeout=1h"]);
  const call = (length: number) =>
    served.called.call({
      pass: (instance) => [allocateArguments(instance, length), 0, 0, 0],
      take: () => "returned",
    });
  await assert.rejects(async () => await call(5), {
    code: "TIMEOUT",
    message: /^the function was stopped after \d+ ms: its allocator must return within 200 ms$/,
  });
  assert.equal(await call(6), "returned");
});
