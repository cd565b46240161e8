/** Backing services called by guests in Go: real modules, the real library, real servers. */
import assert from "node:assert/strict";
import { createLog } from "../../src/base/log.ts";
import { callCli } from "../../src/function/cli_call.ts";
import { loadModule } from "../../src/function/load.ts";
import { couchbaseFunctions } from "../../src/host/couchbase.ts";
import { environmentFunctions } from "../../src/host/env.ts";
import type { HostFamily } from "../../src/host/host_function.ts";
import { logFunctions } from "../../src/host/log.ts";
import { loadFamilies } from "../../src/wasi/imports.ts";
import { extendedRedisFunctions, redisFunctions } from "../../src/host/redis.ts";
import type { KeyValueStore } from "../../src/store/services.ts";
import { openKeyValueStore, openQueryService } from "../../src/store/open.ts";
import { patient, utf8 } from "../store/key_value_contract.ts";
import { redisSettings } from "../store/test_redis_store.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";
import { guestModule, moduleAt } from "../testing/function.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";

/** Calls a module's cli handler. Returns its result or its error's message, and its output. */
async function callGuest(
  bytes: Uint8Array<ArrayBuffer>,
  params: readonly string[],
  families: readonly HostFamily[],
  timeoutMs = 30_000,
): Promise<{ result: string; stdout: string }> {
  const io = memoryIo({});
  const log = createLog("text", io);
  const blueprint = await loadModule(bytes, {
    name: "guest.wasm",
    mode: "cli",
    maxMemoryBytes: 256 * 1024 * 1024,
    steps: true,
    manyCalls: false,
    reuse: false,
    unlimited: false,
    warn: (sentence) => log.warn(sentence),
  });
  const outcome = await callCli(blueprint, {
    name: "guest.wasm",
    limits: { sliceMs: 0, timeoutMs },
    sinks: { stdout: io.stdout, stderr: io.stderr },
    families: [logFunctions, ...families],
    wasi: {
      families: await loadFamilies(),
      args: ["guest.wasm"],
      env: {},
      preopens: [],
      stdin: { kind: "empty" },
    },
    args: params,
  });
  const result = outcome.kind === "error"
    ? outcome.message
    : new TextDecoder().decode(outcome.bytes);
  return { result, stdout: io.stdout.text };
}

function families(store: KeyValueStore, sandbox = false): HostFamily[] {
  return [redisFunctions({ store, sandbox }), extendedRedisFunctions({ store, sandbox })];
}

async function tryCommands(store: KeyValueStore): Promise<void> {
  const module = await guestModule("redis-commands");
  const run = async (...params: string[]) =>
    (await callGuest(module, params, families(store))).result;
  assert.equal(await run("get", "k"), "redis: nil");
  assert.equal(await run("set", "k", "Hello World 👋"), "[OK](k:Hello World 👋)");
  assert.equal(await run("get", "k"), "Hello World 👋");
  assert.equal(await run("keys", "*"), "k");
  assert.equal(await run("del", "k"), "1");
  assert.equal(await run("del", "k"), "0");
  assert.equal(await run("incr", "n"), "1");
  assert.equal(await run("incr", "n"), "2");
  assert.equal(await run("set", "k", "text"), "[OK](k:text)");
  assert.equal(await run("incr", "k"), "ERR value is not an integer or out of range");
  assert.equal(await run("expire", "n", "100"), "true");
  assert.equal(await run("expire", "n", "0"), "true");
  assert.equal(await run("expire", "n", "100"), "false");
  assert.equal(await run("set", 'a"b\\c\nd', "v"), '[OK](a"b\\c\nd:v)');
  assert.equal(await run("keys", "a*"), 'a"b\\c\nd');
}

redisTest("redis family: a guest uses every command on Redis", async () => {
  await using server = await RedisServer.start();
  const store = openKeyValueStore(redisSettings({ REDIS_ADDR: server.address }));
  try {
    await tryCommands(store);
  } finally {
    await store.close();
  }
});

Deno.test("redis family: a guest uses every command on the embedded store", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const store = openKeyValueStore({ kind: "embedded", folder });
  try {
    await tryCommands(store);
  } finally {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("redis family: the example of the README prints what it sets and gets", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const store = openKeyValueStore({ kind: "embedded", folder });
  try {
    const { result, stdout } = await callGuest(
      await moduleAt("examples/redis/redis.wasm"),
      [],
      families(store),
    );
    assert.equal(stdout, "Value: [OK](greetings:Hello World)\nValue: Hello World\n");
    assert.equal(result, "Hello World");
  } finally {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});

redisTest(
  "redis family: a guest receives the server's error, or a timeout before its own deadline",
  async () => {
    await using server = await RedisServer.start();
    const store = openKeyValueStore(redisSettings({ REDIS_ADDR: server.address }));
    const module = await guestModule("redis-commands");
    try {
      await server.command("RPUSH", "list", "item");
      assert.equal(
        (await callGuest(module, ["get", "list"], families(store))).result,
        "WRONGTYPE Operation against a key holding the wrong kind of value",
      );
      await server.kill("SIGSTOP");
      // A tenth of the timeout must exceed the delays of a busy machine.
      const { result } = await callGuest(module, ["set", "k", "v"], families(store), 3000);
      assert.match(result, new RegExp(`^redis ${server.address} did not respond within \\d+ ms$`));
      await server.kill("SIGKILL");
      // The loss of the old connection may be noticed only by this call.
      await store.get(utf8("k"), patient).catch(() => {});
      assert.equal(
        (await callGuest(module, ["set", "k", "v"], families(store))).result,
        `connect ECONNREFUSED ${server.address}`,
      );
    } finally {
      await store.close();
    }
  },
);

Deno.test("redis family: -sandbox refuses every command and opens nothing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const store = openKeyValueStore({ kind: "embedded", folder: `${folder}/.capsule` });
  try {
    const module = await guestModule("redis-commands");
    for (
      const command of [["set", "k", "v"], ["get", "k"], ["del", "k"], ["keys", "*"], ["incr", "k"]]
    ) {
      const { result } = await callGuest(module, command, families(store, true));
      assert.equal(
        result,
        "the key-value store is not allowed: leaving out -sandbox would allow it",
      );
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("couchbase family: the example of the README sends its statement and returns the rows", async () => {
  const login = { user: "admin", password: "ilovepandas", bucket: "wasm-data" };
  await using double = new CouchbaseDouble(login);
  const queries = openQueryService({ cluster: double.connectionString, ...login });
  const run = async (sandbox: boolean) => {
    const environment = environmentFunctions({
      variables: { COUCHBASE_BUCKET: login.bucket },
      sandbox: false,
    });
    const family = couchbaseFunctions({ queries, sandbox });
    return (await callGuest(await moduleAt("examples/couchbase/couchbase.wasm"), [], [
      environment,
      family,
    ]))
      .result;
  };
  try {
    double.answer = () => ({ kind: "rows", rows: ['{"docs":{"id":"1","name":"Bob 👋"}}'] });
    assert.equal(await run(false), '[{"docs":{"id":"1","name":"Bob 👋"}}]');
    assert.deepEqual(double.statements, ["SELECT * FROM `wasm-data`.data.docs"]);
    double.answer = () => ({ kind: "rows", rows: [] });
    assert.equal(await run(false), "[]");
    double.answer = () => ({
      kind: "error",
      code: 12003,
      message: "Keyspace not found",
      status: 404,
    });
    assert.equal(await run(false), "Keyspace not found (12003)");
    assert.equal(
      await run(true),
      "a Couchbase query is not allowed: leaving out -sandbox would allow it",
    );
  } finally {
    await queries.close();
  }
});
