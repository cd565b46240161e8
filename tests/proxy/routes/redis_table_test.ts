import assert from "node:assert/strict";
import { makeCertificates } from "../../testing/certificates.ts";
import { RedisCluster } from "../../testing/redis_cluster.ts";
import { RedisServer, redisTest } from "../../testing/redis_server.ts";
import { RedisTable } from "../../../src/proxy/routes/redis_table.ts";
import { listRoutes, type Routes } from "../../../src/proxy/routes/routes.ts";
import type { RedisSettings } from "../../../src/store/settings.ts";
import { silentLog } from "../silent_log.ts";
import { routesOf } from "../start_proxy.ts";
import { endingWith, testRouteTable } from "./table_contract.ts";
import { inFolder } from "../../testing/temporary_folder.ts";

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
  return endingWith(table, async () => {
    await table[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });
}, redisTest);

/** Resolves when the table's routes fulfil a condition. */
async function until(table: RedisTable, holds: (routes: Routes) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  table.listen((routes) => {
    if (holds(routes)) resolve();
  });
  await promise;
}

/** Two proxies on one Redis see each other's changes and lose no concurrent ones. */
async function twoProxies(settings: RedisSettings): Promise<void> {
  await using one = await RedisTable.open(settings, routesOf({ f: { default: [url] } }), silentLog);
  await using two = await RedisTable.open(
    settings,
    routesOf({ f: { default: ["http://other"] } }),
    silentLog,
  );
  // Existing routes take precedence over a file.
  assert.deepEqual(listRoutes(two.routes), { f: { default: [url] } });

  await Promise.all(Array.from({ length: 30 }, (_, index) =>
    (index % 2 ? one : two).change({
      kind: "add-url",
      function: "f",
      revision: "default",
      url: `${url}/${index}`,
    })));
  const has31 = (routes: Routes) => routes.get("f")?.revisions.get("default")?.length === 31;
  await Promise.all([until(one, has31), until(two, has31)]);

  const contest = await Promise.allSettled(
    [one, two].map((each) =>
      each.change({ kind: "register", function: "g", revision: "default", url })
    ),
  );
  assert.deepEqual(contest.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  await one.change({ kind: "remove-function", function: "f" });
  await until(two, (routes) => !routes.has("f"));
  assert.deepEqual(listRoutes(two.routes), { g: { default: [url] } });
}

redisTest(
  "RedisTable: two proxies see each other's changes and lose no concurrent ones",
  async () => {
    await using redis = await RedisServer.start();
    await twoProxies(settingsOf(redis.port));
  },
);

redisTest(
  "RedisTable: works over TLS; one that does not trust the certificate does not open",
  async () => {
    await inFolder(async (folder) => {
      await makeCertificates(folder);
      await using redis = await RedisServer.start({
        tlsFolder: folder,
        config: ["--requirepass", "secret"],
      });
      const settings = { ...settingsOf(redis.port), tls: true, login: { password: "secret" } };
      await twoProxies({ ...settings, caFile: `${folder}/ca.crt` });
      await assert.rejects(RedisTable.open(settings, new Map(), silentLog), {
        code: "STORE",
        message: /^cannot read the routes from redis 127\.0\.0\.1:\d+ with TLS: .*certificate/,
      });
    });
  },
);

redisTest(
  "RedisTable: works on a cluster and keeps its routes while the nodes are down",
  async () => {
    await using cluster = await RedisCluster.start();
    const settings = {
      ...settingsOf(0),
      mode: "cluster" as const,
      addresses: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    };
    await twoProxies(settings);
    await using table = await RedisTable.open(settings, new Map(), silentLog);
    const listeners = async () => {
      const counts = await Promise.all(
        cluster.nodes.map((node) => node.command("PUBSUB", "NUMSUB", "capsule:routes:changed")),
      );
      return counts.reduce(
        (sum: number, each) => sum + Number(Array.isArray(each) ? each[1] : NaN),
        0,
      );
    };
    assert.equal(await listeners(), 1);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await assert.rejects(table.change({ kind: "remove-function", function: "g" }), {
      status: 503,
      code: "ERROR_BACKEND_UNAVAILABLE",
    });
    assert.deepEqual(listRoutes(table.routes), { g: { default: [url] } });
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await cluster.agreed();
    await table.change({ kind: "remove-function", function: "g" });
    assert.deepEqual(listRoutes(table.routes), {});
    while (await listeners() < 1);
  },
);

redisTest(
  "RedisTable: keeps its routes without Redis, refuses changes with 503, then catches up",
  async () => {
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
    // This Redis keeps nothing over a restart: a proxy restores the routes.
    await redis.restart();
    for (;;) {
      try {
        await other.change({ kind: "register", function: "g", revision: "default", url });
        break;
      } catch {
        // It is not reachable yet.
      }
    }
    await until(table, (routes) => routes.has("g") && routes.has("f"));
  },
);

Deno.test("RedisTable.open: names a Redis that cannot be reached", async () => {
  await assert.rejects(RedisTable.open(settingsOf(1), new Map(), silentLog), {
    code: "STORE",
    message: /^cannot read the routes from redis 127\.0\.0\.1:1: /,
  });
});
