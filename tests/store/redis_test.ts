import assert from "node:assert/strict";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { keyValueContract, patient, textOf, utf8 } from "./key_value_contract.ts";
import { TestStore } from "./test_redis_store.ts";
import { inFolder } from "../testing/temporary_folder.ts";

keyValueContract("redis", redisTest, async (use) => {
  await using server = await RedisServer.start();
  await using store = new TestStore({ REDIS_ADDR: server.address });
  await use(store);
});

redisTest(
  "redis: a counter above 2^53 keeps its digits",
  async () => {
    await using server = await RedisServer.start();
    await using store = new TestStore({ REDIS_ADDR: server.address });
    await store.set(utf8("n"), utf8("9007199254740992"), patient);
    assert.equal(await store.increment(utf8("n"), 1n, patient), 9007199254740993n);
  },
);

redisTest("redis: swap removes an expiry, and reports a value that is not a string", async () => {
  await using server = await RedisServer.start();
  await using store = new TestStore({ REDIS_ADDR: server.address });
  await store.set(utf8("k"), utf8("old"), patient);
  await store.expire(utf8("k"), 100n, patient);
  await store.swap(utf8("k"), { expected: utf8("old"), value: utf8("new") }, patient);
  assert.equal(Number(await server.command("TTL", "k")), -1);
  await server.command("LPUSH", "list", "item");
  await assert.rejects(
    store.swap(utf8("list"), { expected: null, value: utf8("new") }, patient),
    { code: "STORE", message: /^WRONGTYPE / },
  );
});

redisTest("redis: 1,000 concurrent first calls share one connection", async () => {
  await using server = await RedisServer.start();
  await using store = new TestStore({ REDIS_ADDR: server.address });
  await Promise.all(Array.from({ length: 1000 }, () => store.increment(utf8("n"), 1n, patient)));
  assert.equal(textOf(await store.get(utf8("n"), patient)), "1000");
  const info = String(await server.command("INFO", "stats"));
  // Ours, and the connection that counts them.
  assert.match(info, /total_connections_received:2\r/);
});

redisTest(
  "redis: selects the database, and fails if it does not exist",
  async () => {
    await using server = await RedisServer.start();
    await using third = new TestStore({ REDIS_ADDR: server.address, REDIS_DEFAULTDB: "3" });
    await using byUrl = new TestStore({ REDIS_ADDR: `redis://${server.address}/3` });
    await using first = new TestStore({ REDIS_ADDR: server.address });
    await using none = new TestStore({ REDIS_ADDR: server.address, REDIS_DEFAULTDB: "99" });
    await third.set(utf8("k"), utf8("in 3"), patient);
    assert.equal(textOf(await byUrl.get(utf8("k"), patient)), "in 3");
    assert.equal(await first.get(utf8("k"), patient), null);
    for (let time = 0; time < 2; time++) {
      await assert.rejects(none.set(utf8("k"), utf8("lost"), patient), {
        message: "ERR DB index is out of range",
      });
    }
    assert.equal(await first.get(utf8("k"), patient), null);
  },
);

redisTest(
  "redis: logs in with the password, and reports the server's error without it",
  async () => {
    await using server = await RedisServer.start({ config: ["--requirepass", "pa:ss@wörd"] });
    await using right = new TestStore({ REDIS_ADDR: server.address, REDIS_PWD: "pa:ss@wörd" });
    await using byUrl = new TestStore({
      REDIS_ADDR: `redis://default:${encodeURIComponent("pa:ss@wörd")}@${server.address}`,
    });
    await using wrong = new TestStore({ REDIS_ADDR: server.address, REDIS_PWD: "other" });
    await using without = new TestStore({ REDIS_ADDR: server.address });
    await right.set(utf8("k"), utf8("v"), patient);
    assert.equal(textOf(await byUrl.get(utf8("k"), patient)), "v");
    for (let time = 0; time < 2; time++) {
      await assert.rejects(wrong.get(utf8("k"), patient), {
        code: "STORE",
        message: "WRONGPASS invalid username-password pair or user is disabled.",
      });
      await assert.rejects(without.get(utf8("k"), patient), {
        code: "STORE",
        message: "NOAUTH Authentication required.",
      });
    }
  },
);

redisTest(
  "redis: a refused command fails with the server's error, and the next one works",
  async () => {
    await using server = await RedisServer.start();
    await using store = new TestStore({ REDIS_ADDR: server.address });
    await server.command("RPUSH", "list", "item");
    await assert.rejects(store.get(utf8("list"), patient), {
      message: "WRONGTYPE Operation against a key holding the wrong kind of value",
    });

    await server.command("CONFIG", "SET", "maxmemory", "1");
    await assert.rejects(store.set(utf8("k"), utf8("v"), patient), {
      message: "OOM command not allowed when used memory > 'maxmemory'.",
    });
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await store.set(utf8("k"), utf8("v"), patient);

    await server.command("REPLICAOF", "127.0.0.1", "1");
    await assert.rejects(store.set(utf8("k"), utf8("w"), patient), {
      message: "READONLY You can't write against a read only replica.",
    });
    assert.equal(textOf(await store.get(utf8("k"), patient)), "v");
    await server.command("REPLICAOF", "NO", "ONE");
    await store.set(utf8("k"), utf8("w"), patient);
  },
);

redisTest(
  "redis: reports LOADING immediately, and works once the server has loaded",
  async () => {
    await inFolder(async (folder) => {
      const config = ["--dbfilename", "dump.rdb"];
      {
        await using server = await RedisServer.start({ folder, config });
        await server.command("DEBUG", "POPULATE", "2000");
        await server.command("SAVE");
      }
      await using server = await RedisServer.start({
        folder,
        // Loads one key per millisecond, and serves its connections every few bytes.
        config: [
          ...config,
          "--key-load-delay",
          "1000",
          "--loading-process-events-interval-bytes",
          "1024",
        ],
        readyLine: /Loading RDB produced by/,
      });
      await using store = new TestStore({ REDIS_ADDR: server.address, REDIS_DEFAULTDB: "1" });
      await assert.rejects(store.get(utf8("k"), patient), {
        message: "LOADING Redis is loading the dataset in memory",
      });
      await server.command("CONFIG", "SET", "key-load-delay", "0");
      await server.said(/Ready to accept connections/);
      assert.equal(await store.get(utf8("k"), patient), null);
    }, "capsule-redis-");
  },
);
