import assert from "node:assert/strict";
import { guestModule, moduleAt, serveModule } from "../testing/function.ts";

Deno.test("a guest that counts its calls in a Go global always answers 1", async () => {
  await using served = await serveModule(await guestModule("counter"));
  for (let i = 0; i < 100; i++) assert.equal(await served.post(""), "1");
  assert.deepEqual(served.called.figures, { instances: 1, busy: 0, queued: 0 });
});

Deno.test("so does one built with TinyGo 0.27, whose _start returns", async () => {
  await using served = await serveModule(await moduleAt("tests/testdata/tinygo-0.27/counter.wasm"));
  for (let i = 0; i < 100; i++) assert.equal(await served.post(""), "1");
});

for (const name of ["map", "closure", "slice"]) {
  Deno.test(`a guest that keeps a ${name} over its calls finds it as it was at first`, async () => {
    await using served = await serveModule(await guestModule(name));
    const first = await served.post("one");
    for (let i = 0; i < 50; i++) assert.equal(await served.post("one"), first);
  });
}

Deno.test("with -reuse the state stays, over thousands of calls", async () => {
  await using served = await serveModule(await guestModule("counter"), ["-reuse"]);
  for (let i = 1; i <= 10_000; i++) assert.equal(await served.post("x"), String(i));
});

Deno.test("with -reuse main runs once", async () => {
  await using served = await serveModule(await guestModule("main-log"), ["-reuse"]);
  for (const body of ["a", "b"]) assert.equal(await served.post(body), `http: ${body}`);
  assert.equal(served.output().stdout, "main runs\n");
});

Deno.test("a guest that traps half-way is just started at the next call, and the same instance is used", async () => {
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

Deno.test("with -reuse an instance that trapped is not used again", async () => {
  await using served = await serveModule(await guestModule("panic"), ["-reuse"]);
  assert.equal(await served.post("fine"), "1 calls, 1 finished");
  assert.match(await served.post("panic"), /TRAP/);
  assert.equal(await served.post("fine"), "1 calls, 1 finished");
});

Deno.test("random numbers differ between calls", async () => {
  await using served = await serveModule(await guestModule("random"));
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    for (const line of (await served.post("")).split("\n")) seen.add(line);
  }
  assert.equal(seen.size, 100);
});

Deno.test("a guest that grows its memory by little stays on one instance and finds its memory as it was at first", async () => {
  await using served = await serveModule(await guestModule("allocate"));
  for (let i = 0; i < 50; i++) {
    assert.equal(await served.post("1000000"), "1000000");
    assert.equal(served.called.figures.instances, 1);
  }
});

Deno.test("what one call in many grew is let go when the others do not need it", async () => {
  const freed = new Set<number>();
  await using served = await serveModule(await guestModule("allocate"));
  await served.post("1000000");
  for (let i = 0; i < 40; i++) {
    assert.equal(await served.post("1000"), "1000");
    if (served.called.figures.instances === 0) freed.add(i);
  }
  assert.equal(freed.size, 1);
});

Deno.test("a guest that grew its memory by much does not keep it", async () => {
  await using served = await serveModule(await guestModule("allocate"));
  assert.equal(await served.post("1000"), "1000");
  assert.equal(served.called.figures.instances, 1);
  assert.equal(await served.post("100000000"), "100000000");
  assert.equal(served.called.figures.instances, 0);
  assert.equal(await served.post("1000"), "1000");
});

Deno.test("a guest that wants more memory than -maxMemory traps, and the next call works", async () => {
  await using served = await serveModule(await guestModule("allocate"), ["-maxMemory=16MiB"]);
  assert.match(await served.post("100000000"), /"code":"TRAP".*out of memory/);
  assert.equal(await served.post("1000"), "1000");
});

Deno.test("a hundred thousand calls run on one instance", async () => {
  await using served = await serveModule(await guestModule("counter"));
  for (let i = 0; i < 100_000; i++) {
    const answer = served.called.call({ pass: () => [0, 0, 0, 0], take: () => undefined });
    if (answer instanceof Promise) await answer;
  }
  assert.equal(await served.post(""), "1");
  assert.equal(served.called.figures.instances, 1);
});

Deno.test("main runs once before each call, and what it logs comes each time", async () => {
  await using served = await serveModule(await guestModule("main-log"));
  for (const body of ["a", "b", "c"]) assert.equal(await served.post(body), `http: ${body}`);
  assert.equal(served.output().stdout, "main runs\nmain runs\nmain runs\n");
});
