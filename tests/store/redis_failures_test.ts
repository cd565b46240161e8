import assert from "node:assert/strict";
import { Caller } from "../../src/wasm/call_state.ts";
import { CapsuleError } from "../../src/base/errors.ts";
import { CuttingProxy } from "../testing/cutting_proxy.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { patient, textOf, utf8 } from "./key_value_contract.ts";
import { TestStore } from "./test_redis_store.ts";
import { inFolder } from "../testing/temporary_folder.ts";

redisTest(
  "redis: fails immediately without a server, and works once it runs",
  async () => {
    await using server = await RedisServer.start();
    await server.kill();
    await using store = new TestStore({ REDIS_ADDR: server.address });
    for (let time = 0; time < 3; time++) {
      await assert.rejects(store.set(utf8("k"), utf8("v"), patient), {
        code: "STORE",
        message: `connect ECONNREFUSED ${server.address}`,
      });
    }
    await server.restart();
    await store.set(utf8("k"), utf8("v"), patient);

    await server.kill();
    await assert.rejects(store.get(utf8("k"), patient), { code: "STORE" });
    await server.restart();
    assert.equal(await store.get(utf8("k"), patient), null);
  },
);

redisTest("redis: names a host that does not exist", async () => {
  await using store = new TestStore({ REDIS_ADDR: "no-such-host.invalid:6379" });
  await assert.rejects(store.get(utf8("k"), patient), (error) => {
    assert.ok(error instanceof CapsuleError);
    assert.match(error.message, /no-such-host\.invalid/);
    return true;
  });
});

redisTest(
  "redis: a kill under load hangs no call, loses no acknowledged write, repeats none",
  async () => {
    await inFolder(async (folder) => {
      await using server = await RedisServer.start({ folder, config: ["--appendonly", "yes"] });
      await using store = new TestStore({ REDIS_ADDR: server.address });
      for (let life = 0; life < 3; life++) {
        const counter = utf8(`counter ${life}`);
        const acknowledged: string[] = [];
        const reached = Promise.withResolvers<void>();
        let counted = 0, unknown = 0, refused = 0;
        const writers = Array.from({ length: 50 }, async (_, writer) => {
          for (let turn = 0; unknown + refused < 100; turn++) {
            const name = `${life} ${writer} ${turn}`;
            try {
              await store.increment(counter, 1n, patient);
              counted++;
              await store.set(utf8(name), utf8(name), patient);
              acknowledged.push(name);
            } catch (error) {
              assert.ok(error instanceof CapsuleError && error.code === "STORE", String(error));
              if (error.message.includes("is unknown whether")) unknown++;
              else refused++;
            }
            if (acknowledged.length > 2000) reached.resolve();
          }
        });
        await reached.promise;
        await server.kill("SIGKILL");
        await Promise.all(writers);

        await server.restart();
        const values = await Promise.all(
          acknowledged.map((name) => store.get(utf8(name), patient)),
        );
        assert.deepEqual(values.map(textOf), acknowledged);
        const total = Number(textOf(await store.get(counter, patient)));
        assert.ok(
          counted <= total && total <= counted + unknown,
          `${counted} ≤ ${total} ≤ ${counted} + ${unknown}`,
        );
      }
    }, "capsule-redis-");
  },
);

redisTest(
  "redis: a write whose reply is lost fails as unknown and is not repeated",
  async () => {
    await using server = await RedisServer.start();
    await using proxy = new CuttingProxy(server.port);
    await using store = new TestStore({ REDIS_ADDR: proxy.address });
    await store.set(utf8("n"), utf8("5"), patient);
    proxy.cutAfter = (sent) => /incr/i.test(sent);
    await assert.rejects(store.increment(utf8("n"), 1n, patient), {
      code: "STORE",
      message: `the connection to redis ${proxy.address} was lost before the response: ` +
        "it is unknown whether it was executed",
    });
    assert.equal(proxy.cuts, 1);
    assert.equal(textOf(await store.get(utf8("n"), patient)), "6");
  },
);

redisTest("redis: a read whose reply is lost is repeated once", async () => {
  await using server = await RedisServer.start();
  await using proxy = new CuttingProxy(server.port);
  await using store = new TestStore({ REDIS_ADDR: proxy.address });
  await store.set(utf8("k"), utf8("v"), patient);
  proxy.cutAfter = (sent) => /get/i.test(sent) && proxy.cuts < 1;
  assert.equal(textOf(await store.get(utf8("k"), patient)), "v");
  assert.equal(proxy.cuts, 1);
  proxy.cutAfter = (sent) => /get/i.test(sent);
  await assert.rejects(store.get(utf8("k"), patient), {
    code: "STORE",
    message: `the connection to redis ${proxy.address} was lost`,
  });
  assert.equal(proxy.cuts, 3);
});

redisTest(
  "redis: a call to a stopped server times out, and the next works after it continues",
  async () => {
    await using server = await RedisServer.start();
    await using store = new TestStore({ REDIS_ADDR: server.address });
    await store.set(utf8("k"), utf8("v"), patient);
    await server.kill("SIGSTOP");
    await assert.rejects(store.get(utf8("k"), { timeoutMs: 50 }), {
      code: "TIMEOUT",
      message: `redis ${server.address} did not respond within 50 ms`,
    });
    const caller = new Caller();
    const left = store.get(utf8("k"), { ...patient, caller });
    caller.leave(new Error("the request is gone"));
    await assert.rejects(left, { message: "the request is gone" });
    await server.kill("SIGCONT");
    assert.equal(textOf(await store.get(utf8("k"), patient)), "v");
  },
);

redisTest(
  "redis: a write that times out during the login is never sent",
  async () => {
    await using server = await RedisServer.start({ config: ["--requirepass", "secret"] });
    await using store = new TestStore({ REDIS_ADDR: server.address, REDIS_PWD: "secret" });
    await server.kill("SIGSTOP");
    const late = store.set(utf8("k"), utf8("late"), { timeoutMs: 50 });
    await assert.rejects(late, { code: "TIMEOUT" });
    const next = store.get(utf8("k"), patient);
    await server.kill("SIGCONT");
    assert.equal(await next, null);
    assert.equal(await store.get(utf8("k"), patient), null);
  },
);

redisTest(
  "redis: closes a connection that exceeds its timeouts, and reconnects",
  async () => {
    await using server = await RedisServer.start({ config: ["--requirepass", "secret"] });
    const variables = { REDIS_ADDR: server.address, REDIS_PWD: "secret" };
    await using store = new TestStore(variables, { connectMs: 5000, responseMs: 100 });
    await using newcomer = new TestStore(variables, { connectMs: 100, responseMs: 5000 });
    await store.set(utf8("k"), utf8("v"), patient);
    await server.kill("SIGSTOP");
    await assert.rejects(store.set(utf8("k"), utf8("w"), patient), {
      code: "STORE",
      message:
        /^the connection to redis .* was lost \(no response for 100 ms\).*it is unknown whether it was executed$/,
    });
    await assert.rejects(newcomer.set(utf8("k"), utf8("x"), patient), {
      code: "STORE",
      message: "no response within 100 ms",
    });
    await server.kill("SIGCONT");
    await newcomer.set(utf8("k"), utf8("y"), patient);
    assert.equal(textOf(await store.get(utf8("k"), patient)), "y");
  },
);

Deno.test("redis: a slow reply that keeps sending bytes outlasts the response timeout", async () => {
  const { checked, restore } = observeIntervals();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(1024);
    await connection.read(buffer);
    // Each part comes after two of the client's checks, all of them after four timeouts.
    for (const part of ["$", "4", "\r", "\n", "s", "l", "o", "w\r\n"]) {
      await checked();
      await checked();
      await connection.write(utf8(part));
    }
    while (await connection.read(buffer) !== null) { /* until the client is closed */ }
  })();
  {
    const variables = { REDIS_ADDR: `127.0.0.1:${listener.addr.port}` };
    await using store = new TestStore(variables, { connectMs: 5000, responseMs: 200 });
    assert.equal(textOf(await store.get(utf8("k"), patient)), "slow");
  }
  await served;
  restore();
});

redisTest("redis: close rejects pending calls and pending connections", async () => {
  await using server = await RedisServer.start({ config: ["--requirepass", "secret"] });
  const variables = { REDIS_ADDR: server.address, REDIS_PWD: "secret" };
  await using connected = new TestStore(variables);
  await connected.set(utf8("k"), utf8("v"), patient);
  await using connecting = new TestStore(variables);
  await server.kill("SIGSTOP");
  const waiting = [connected.get(utf8("k"), patient), connecting.get(utf8("k"), patient)];
  const results = Promise.allSettled(waiting);
  await Promise.all([connected.close(), connecting.close()]);
  assert.deepEqual((await results).map(({ status }) => status), ["rejected", "rejected"]);
});

/** Replaces `setInterval`, so that a test can await the next run of any interval's callback. */
function observeIntervals(): { checked: () => Promise<void>; restore: () => void } {
  const { setInterval } = globalThis;
  let next = Promise.withResolvers<void>();
  const observed = (callback: () => void, ms?: number) =>
    setInterval(() => {
      callback();
      next.resolve();
      next = Promise.withResolvers<void>();
    }, ms);
  globalThis.setInterval = observed as typeof setInterval;
  return { checked: () => next.promise, restore: () => globalThis.setInterval = setInterval };
}
