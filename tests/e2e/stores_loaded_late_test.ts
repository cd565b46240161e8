import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Running, startCapsule } from "../testing/capsule.ts";
import { CouchbaseDouble } from "../testing/couchbase_double.ts";

const guest = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Returns the stores that the process has loaded, from Deno's log. */
function loaded({ stderr }: Running): string[] {
  const found = stderr.text.matchAll(
    /FileFetcher::fetch_no_follow - specifier: \S*\/src\/store\/(redis|sqlite|couchbase)\.ts/g,
  );
  return [...new Set(Array.from(found, ([, name = ""]) => name))];
}

Deno.test("stores: a client is loaded by the first call that uses it, and by no other function", {
  // The compiled program has all files in one bundle.
  ignore: Deno.env.has("CAPSULE_BIN"),
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-late-" });
  try {
    await using couchbase = new CouchbaseDouble({
      user: "admin",
      password: "secret",
      bucket: "wasm-data",
    });
    const env = {
      DENO_LOG: "debug",
      MESSAGE: "hello",
      COUCHBASE_CLUSTER: couchbase.connectionString,
      COUCHBASE_PWD: "secret",
    };
    const start = (wasm: string, more: Record<string, string> = {}) =>
      startCapsule([`-wasm=${guest(wasm)}`], { cwd: folder, env: { ...env, ...more } });
    const ask = async ({ url }: Running, body = "") => {
      const answer = await fetch(url, body === "" ? {} : { method: "POST", body });
      return await answer.text();
    };

    await using without = await start("examples/hello-http/hello.wasm");
    assert.equal(await ask(without), '{"message": "hey people!"}');
    assert.deepEqual(loaded(without), []);

    await using embedded = await start("tests/testdata/go/stores/stores.wasm");
    assert.deepEqual(loaded(embedded), []);
    assert.equal(await ask(embedded), "redis: nil");
    assert.deepEqual(loaded(embedded), ["sqlite"]);
    assert.equal(await ask(embedded, "SELECT 1"), "[]");
    assert.deepEqual(loaded(embedded), ["sqlite", "couchbase"]);

    await using redis = await start("tests/testdata/go/stores/stores.wasm", {
      REDIS_ADDR: "127.0.0.1:1",
    });
    assert.match(await ask(redis), /ECONNREFUSED 127\.0\.0\.1:1/);
    assert.deepEqual(loaded(redis), ["redis"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
