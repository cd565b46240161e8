import assert from "node:assert/strict";
import { UsageError } from "../../src/base/errors.ts";
import {
  carriesPassword,
  couchbaseSettings,
  databasePath,
  describeKeyValue,
  keyValueSettings,
} from "../../src/store/settings.ts";

function env(variables: Record<string, string>) {
  return { get: (name: string) => variables[name], toObject: () => variables };
}

function redis(variables: Record<string, string>) {
  const settings = keyValueSettings(env(variables), "./.capsule");
  if (settings.kind !== "redis") throw new Error("these variables name no Redis");
  return settings;
}

Deno.test("keyValueSettings: no or an empty REDIS_ADDR selects the embedded store", () => {
  const rows: Record<string, string>[] = [{}, { REDIS_ADDR: "" }, { REDIS_PWD: "x" }];
  for (const variables of rows) {
    const settings = keyValueSettings(env(variables), "./.capsule");
    assert.deepEqual(settings, { kind: "embedded", folder: "./.capsule" });
    assert.equal(describeKeyValue(settings), "./.capsule/data.db");
  }
  assert.equal(databasePath({ kind: "embedded", folder: "/var/données/" }), "/var/données/data.db");
  assert.equal(databasePath({ kind: "embedded", folder: "/" }), "//data.db");
});

Deno.test("keyValueSettings: parses every form of REDIS_ADDR", () => {
  const rows: [string, object][] = [
    ["localhost:6379", {
      addresses: [{ host: "localhost", port: 6379 }],
      tls: false,
      login: {},
      database: 0,
    }],
    ["db", { addresses: [{ host: "db", port: 6379 }] }],
    [":7000", { addresses: [{ host: "localhost", port: 7000 }] }],
    ["[::1]:7000", { addresses: [{ host: "::1", port: 7000 }] }],
    ["redis://db", { addresses: [{ host: "db", port: 6379 }], tls: false }],
    ["rediss://db:1/", { addresses: [{ host: "db", port: 1 }], tls: true }],
    ["redis://:p%40ss@db:65535/15", {
      addresses: [{ host: "db", port: 65535 }],
      login: { user: undefined, password: "p@ss" },
      database: 15,
    }],
    ["redis://ann:a:b@[fe80::1]/2", {
      addresses: [{ host: "fe80::1", port: 6379 }],
      login: { user: "ann", password: "a:b" },
      database: 2,
    }],
  ];
  for (const [address, expected] of rows) {
    assert.partialDeepStrictEqual(redis({ REDIS_ADDR: address }), expected, address);
  }
});

Deno.test("keyValueSettings: the URL takes precedence over REDIS_PWD and REDIS_DEFAULTDB", () => {
  const variables = { REDIS_PWD: "other", REDIS_DEFAULTDB: "7" };
  assert.partialDeepStrictEqual(redis({ REDIS_ADDR: "redis://:mine@db/2", ...variables }), {
    login: { password: "mine" },
    database: 2,
  });
  assert.partialDeepStrictEqual(redis({ REDIS_ADDR: "redis://ann@db", ...variables }), {
    login: { user: "ann", password: "other" },
    database: 7,
  });
});

Deno.test("keyValueSettings: a list of servers needs REDIS_MODE and shares scheme and login", () => {
  assert.partialDeepStrictEqual(
    redis({ REDIS_ADDR: "rediss://:x@a:1, b:2", REDIS_MODE: "cluster" }),
    {
      mode: "cluster",
      tls: true,
      login: { password: "x" },
      addresses: [{ host: "a", port: 1 }, { host: "b", port: 2 }],
    },
  );
  assert.partialDeepStrictEqual(
    redis({ REDIS_ADDR: "a:1", REDIS_MODE: "sentinel", REDIS_MASTER: "main" }),
    {
      mode: "sentinel",
      masterName: "main",
    },
  );
});

Deno.test("keyValueSettings: refuses an invalid variable by name", () => {
  const rows: [Record<string, string>, RegExp][] = [
    [{ REDIS_ADDR: "http://db" }, /^REDIS_ADDR is host:port.*got "http:\/\/db"$/],
    [{ REDIS_ADDR: "db:0" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "db:65536" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "db/3" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "redis://db/three" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "redis://db?family=6" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "a:1,", REDIS_MODE: "cluster" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "a b" }, /^REDIS_ADDR is host:port/],
    [{ REDIS_ADDR: "a:1,b:2" }, /^REDIS_ADDR names 2 servers, which needs REDIS_MODE=cluster/],
    [{ REDIS_ADDR: "redis://a,rediss://b", REDIS_MODE: "cluster" }, /^REDIS_ADDR mixes/],
    [
      { REDIS_ADDR: "a", REDIS_MODE: "Cluster" },
      /^REDIS_MODE is single, cluster or sentinel: got "Cluster"$/,
    ],
    [
      { REDIS_ADDR: "a", REDIS_DEFAULTDB: "-1" },
      /^REDIS_DEFAULTDB is a number, 0 or greater: got "-1"$/,
    ],
    [
      { REDIS_ADDR: "a", REDIS_MODE: "cluster", REDIS_DEFAULTDB: "1" },
      /^a Redis cluster has database 0 only: got 1$/,
    ],
    [{ REDIS_ADDR: "a", REDIS_CA: "ca.pem" }, /^REDIS_CA is for an encrypted connection/],
  ];
  for (const [variables, message] of rows) {
    assert.throws(() => redis(variables), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("settings: no message and no description contains a password", () => {
  const secret = "s3cr3t";
  for (
    const address of [
      `redis://:${secret}@db:99999`,
      `:${secret}@db`,
      `redis://:${secret}%zz@db`,
      `http://u:${secret}@db`,
    ]
  ) {
    assert.throws(() => redis({ REDIS_ADDR: address }), (error) => {
      assert.ok(error instanceof UsageError);
      assert.doesNotMatch(error.message, new RegExp(secret));
      return true;
    });
  }
  assert.throws(
    () => couchbaseSettings(env({ COUCHBASE_CLUSTER: `couchbase://u:${secret}@db` })),
    (error) => error instanceof UsageError && !error.message.includes(secret),
  );
  const rows: [Record<string, string>, string][] = [
    [{ REDIS_ADDR: "localhost:6379", REDIS_PWD: secret }, "redis localhost:6379"],
    [{ REDIS_ADDR: `rediss://ann:${secret}@[::1]/4` }, "redis [::1]:6379 database 4 with TLS"],
    [{ REDIS_ADDR: `redis://:${secret}@a:1,b:2`, REDIS_MODE: "cluster" }, "redis cluster a:1,b:2"],
    [
      { REDIS_ADDR: "a:1,b:2", REDIS_MODE: "sentinel", REDIS_SENTINEL_PWD: secret },
      "redis mymaster of sentinels a:1,b:2",
    ],
  ];
  for (const [variables, description] of rows) {
    assert.equal(describeKeyValue(redis(variables)), description);
  }
});

Deno.test("couchbaseSettings: has the defaults of Capsule 0.1.3", () => {
  assert.deepEqual(couchbaseSettings(env({})), {
    cluster: "couchbase://127.0.0.1",
    user: "admin",
    password: "",
    bucket: "wasm-data",
    caFile: undefined,
    cacheFolder: undefined,
  });
  const variables = {
    COUCHBASE_CLUSTER: "couchbases://a,b",
    COUCHBASE_USER: "ann",
    COUCHBASE_PWD: "ilovepandas",
    COUCHBASE_BUCKET: "b",
    COUCHBASE_CA: "ca.pem",
    XDG_CACHE_HOME: "/cache",
  };
  assert.deepEqual(couchbaseSettings(env(variables)), {
    cluster: "couchbases://a,b",
    user: "ann",
    password: "ilovepandas",
    bucket: "b",
    caFile: "ca.pem",
    cacheFolder: "/cache/capsule/native",
  });
  assert.throws(() => couchbaseSettings(env({ COUCHBASE_CLUSTER: "localhost" })), {
    name: "UsageError",
    message: 'COUCHBASE_CLUSTER is couchbase://host or couchbases://host: got "localhost"',
  });
});

Deno.test("carriesPassword: reports exactly the variables with a password", () => {
  for (const name of ["REDIS_PWD", "REDIS_SENTINEL_PWD", "COUCHBASE_PWD"]) {
    assert.ok(carriesPassword(name, ""));
  }
  assert.ok(carriesPassword("REDIS_ADDR", "redis://:x@db"));
  assert.ok(!carriesPassword("REDIS_ADDR", "localhost:6379"));
  assert.ok(carriesPassword("COUCHBASE_CLUSTER", "couchbase://a:b@c"));
  assert.ok(!carriesPassword("COUCHBASE_BUCKET", "wasm-data"));
  assert.ok(!carriesPassword("MESSAGE", "a@b"));
});
