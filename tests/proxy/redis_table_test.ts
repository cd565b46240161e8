import assert from "node:assert/strict";
import { RedisServer } from "../testing/redis_server.ts";
import { RedisTable } from "../../src/proxy/redis_table.ts";
import { listRoutes, type Routes } from "../../src/proxy/routes.ts";
import type { RedisSettings } from "../../src/store/settings.ts";
import { silentLog } from "./silent_log.ts";
import { routesOf } from "./start_proxy.ts";
import { testRouteTable } from "./table_contract.ts";

const url = "http://localhost:5050";

function settingsOf(port: number): RedisSettings {
  return {
    kind: "redis",
    mode: "single",
    addresses: [{ host: "127.0.0.1", port }],
    tls: false,
    login: {},
    database: 0,
    masterName: "mymaster",
  };
}

testRouteTable("redis", async (routes) => {
  const redis = await RedisServer.start();
  const table = await RedisTable.open(settingsOf(redis.port), routes, silentLog);
  return {
    get routes() {
      return table.routes;
    },
    change: (change) => table.change(change),
    listen: (listener) => table.listen(listener),
    async [Symbol.asyncDispose]() {
      await table[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
});

/** Resolves when the table's routes are as the condition says. */
async function until(table: RedisTable, holds: (routes: Routes) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  table.listen((routes) => {
    if (holds(routes)) resolve();
  });
  await promise;
}

Deno.test("two proxies on one Redis see each other's changes, and lose none made at once", async () => {
  await using redis = await RedisServer.start();
  await using one = await RedisTable.open(
    settingsOf(redis.port),
    routesOf({ f: { default: [url] } }),
    silentLog,
  );
  await using two = await RedisTable.open(
    settingsOf(redis.port),
    routesOf({ f: { default: ["http://other"] } }),
    silentLog,
  );
  // What is there already wins over a file.
  assert.deepEqual(listRoutes(two.routes), { f: { default: [url] } });

  const all = Array.from(
    { length: 30 },
    (_, index) =>
      (index % 2 ? one : two).change({
        kind: "add-url",
        function: "f",
        revision: "default",
        url: `${url}/${index}`,
      }),
  );
  await Promise.all(all);
  const has31 = (routes: Routes) => routes.get("f")?.revisions.get("default")?.length === 31;
  await Promise.all([until(one, has31), until(two, has31)]);

  const contest = await Promise.allSettled(
    [one, two].map((each) => each.change({ kind: "register", function: "g", revision: "default", url })),
  );
  assert.deepEqual(contest.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  await one.change({ kind: "remove-function", function: "f" });
  await until(two, (routes) => !routes.has("f"));
});

Deno.test("while Redis is away the routes stay and changes are 503; back again, they catch up", async () => {
  await using redis = await RedisServer.start();
  await using table = await RedisTable.open(
    settingsOf(redis.port),
    routesOf({ f: { default: [url] } }),
    silentLog,
  );
  await using other = await RedisTable.open(settingsOf(redis.port), new Map(), silentLog);
  await redis.kill();
  await assert.rejects(table.change({ kind: "remove-function", function: "f" }), {
    status: 503,
    code: "ERROR_BACKEND_UNAVAILABLE",
  });
  assert.deepEqual(listRoutes(table.routes), { f: { default: [url] } });
  // This Redis keeps nothing over its death: it gets the routes back from a proxy.
  await redis.restart();
  for (;;) {
    try {
      await other.change({ kind: "register", function: "g", revision: "default", url });
      break;
    } catch {
      // It is not reached yet.
    }
  }
  await until(table, (routes) => routes.has("g") && routes.has("f"));
});

Deno.test("a Redis that cannot be reached at the start is named", async () => {
  await assert.rejects(RedisTable.open(settingsOf(1), new Map(), silentLog), {
    code: "STORE",
    message: /^cannot read the routes from redis 127\.0\.0\.1:1: /,
  });
});
