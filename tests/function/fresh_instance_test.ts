import assert from "node:assert/strict";
import { guestModule, moduleAt, serveModule } from "../testing/function.ts";

Deno.test("reset: a counter in a Go global is 1 in each call, on one instance", async () => {
  await using served = await serveModule(await guestModule("counter"));
  for (let i = 0; i < 100; i++) assert.equal(await served.post(""), "1");
  assert.deepEqual(served.called.figures, { instances: 1, busy: 0, queued: 0 });
});

Deno.test("reset: so it is with TinyGo 0.27, whose _start returns", async () => {
  await using served = await serveModule(await moduleAt("tests/testdata/tinygo-0.27/counter.wasm"));
  for (let i = 0; i < 100; i++) assert.equal(await served.post(""), "1");
});

for (const name of ["map", "closure", "slice"]) {
  Deno.test(`reset: a ${name} that a guest keeps is fresh in each call`, async () => {
    await using served = await serveModule(await guestModule(name));
    const first = await served.post("one");
    for (let i = 0; i < 50; i++) assert.equal(await served.post("one"), first);
  });
}

Deno.test("reuse: state survives thousands of calls", async () => {
  await using served = await serveModule(await guestModule("counter"), ["-reuse"]);
  for (let i = 1; i <= 10_000; i++) assert.equal(await served.post("x"), String(i));
});

Deno.test("reuse: main runs once", async () => {
  await using served = await serveModule(await guestModule("main-log"), ["-reuse"]);
  for (const body of ["a", "b"]) assert.equal(await served.post(body), `http: ${body}`);
  assert.equal(served.output().stdout, "main runs\n");
});

Deno.test("reset: after a trap the same instance is fresh again", async () => {
  await using served = await serveModule(await guestModule("panic"));
  for (let i = 0; i < 20; i++) {
    assert.equal(await served.post("fine"), "1 calls, 1 finished");
    const response = await served.handle(
      new Request("http://test/", { method: "POST", body: "panic ☹" }),
    );
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), { code: "TRAP", message: "panic: boom: panic ☹" });
  }
  assert.equal(served.called.figures.instances, 1);
});

Deno.test("reuse: an instance that trapped is discarded", async () => {
  await using served = await serveModule(await guestModule("panic"), ["-reuse"]);
  assert.equal(await served.post("fine"), "1 calls, 1 finished");
  assert.match(await served.post("panic"), /TRAP/);
  assert.equal(await served.post("fine"), "1 calls, 1 finished");
});

Deno.test("reset: random numbers differ between calls", async () => {
  await using served = await serveModule(await guestModule("random"));
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    for (const line of (await served.post("")).split("\n")) seen.add(line);
  }
  assert.equal(seen.size, 100);
});

Deno.test("reset: an instance with little growth is kept, and its memory is fresh", async () => {
  await using served = await serveModule(await guestModule("allocate"));
  for (let i = 0; i < 50; i++) {
    assert.equal(await served.post("1000000"), "1000000");
    assert.equal(served.called.figures.instances, 1);
  }
});

Deno.test("reset: growth that later calls do not need is released once", async () => {
  const freed = new Set<number>();
  await using served = await serveModule(await guestModule("allocate"));
  await served.post("1000000");
  for (let i = 0; i < 40; i++) {
    assert.equal(await served.post("1000"), "1000");
    if (served.called.figures.instances === 0) freed.add(i);
  }
  assert.equal(freed.size, 1);
});

Deno.test("reset: an instance with much growth is discarded", async () => {
  await using served = await serveModule(await guestModule("allocate"));
  assert.equal(await served.post("1000"), "1000");
  assert.equal(served.called.figures.instances, 1);
  assert.equal(await served.post("100000000"), "100000000");
  assert.equal(served.called.figures.instances, 0);
  assert.equal(await served.post("1000"), "1000");
});

Deno.test("maxMemory: a guest that needs more traps, and the next call works", async () => {
  await using served = await serveModule(await guestModule("allocate"), ["-maxMemory=16MiB"]);
  assert.match(await served.post("100000000"), /"code":"TRAP".*out of memory/);
  assert.equal(await served.post("1000"), "1000");
});

Deno.test("reset: 100,000 calls run on one instance", async () => {
  await using served = await serveModule(await guestModule("counter"));
  for (let i = 0; i < 100_000; i++) {
    const answer = served.called.call({ pass: () => [0, 0, 0, 0], take: () => undefined });
    if (answer instanceof Promise) await answer;
  }
  assert.equal(await served.post(""), "1");
  assert.equal(served.called.figures.instances, 1);
});

Deno.test("reset: main runs and logs before each call", async () => {
  await using served = await serveModule(await guestModule("main-log"));
  for (const body of ["a", "b", "c"]) assert.equal(await served.post(body), `http: ${body}`);
  assert.equal(served.output().stdout, "main runs\nmain runs\nmain runs\n");
});
