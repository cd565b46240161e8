import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { makeCertificates } from "../testing/certificates.ts";
import { RedisCluster } from "../testing/redis_cluster.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { patient, textOf, utf8 } from "./key_value_contract.ts";
import { TestStore } from "./test_redis_store.ts";

redisTest("redis: rediss:// encrypts and trusts only the authority of REDIS_CA", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-tls-" });
  try {
    await makeCertificates(folder);
    await Deno.mkdir(`${folder}/other`);
    await makeCertificates(`${folder}/other`);
    await using server = await RedisServer.start({
      tlsFolder: folder,
      config: ["--requirepass", "secret"],
    });
    const address = `rediss://:secret@${server.address}`;
    await using right = new TestStore({ REDIS_ADDR: address, REDIS_CA: `${folder}/ca.crt` });
    await right.set(utf8("k"), utf8("v"), patient);
    assert.equal(textOf(await right.get(utf8("k"), patient)), "v");
    assert.equal(right.description, `redis ${server.address} with TLS`);

    await using stranger = new TestStore({
      REDIS_ADDR: address,
      REDIS_CA: `${folder}/other/ca.crt`,
    });
    await using system = new TestStore({ REDIS_ADDR: address });
    for (const store of [stranger, system]) {
      await assert.rejects(store.get(utf8("k"), patient), (error) => {
        assert.ok(error instanceof CapsuleError);
        assert.match(
          error.message,
          /self-signed certificate|unable to verify the first certificate/,
        );
        return true;
      });
    }
    await using missing = new TestStore({ REDIS_ADDR: address, REDIS_CA: `${folder}/none.crt` });
    await assert.rejects(missing.get(utf8("k"), patient), {
      code: "STORE",
      message: /^cannot read the certificates that REDIS_CA names: .*none\.crt/,
    });
    await using plain = new TestStore({ REDIS_ADDR: server.address });
    await assert.rejects(plain.get(utf8("k"), patient), { code: "STORE" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

redisTest("redis: refuses a certificate for another name", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-tls-" });
  try {
    await makeCertificates(folder);
    await using server = await RedisServer.start({ tlsFolder: folder });
    // Another address of this machine, which the certificate lacks.
    await using store = new TestStore({
      REDIS_ADDR: `rediss://[::ffff:127.0.0.1]:${server.port}`,
      REDIS_CA: `${folder}/ca.crt`,
    });
    await assert.rejects(store.get(utf8("k"), patient), (error) => {
      assert.ok(error instanceof CapsuleError);
      assert.match(error.message, /NotValidForName|altnames|not valid for name/i);
      return true;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

redisTest("redis: a cluster serves its remaining nodes and recovers", async () => {
  // One cluster for the whole test, since forming it takes seconds.
  await using cluster = await RedisCluster.start();
  await using store = new TestStore({ REDIS_ADDR: cluster.addresses, REDIS_MODE: "cluster" });
  const names = Array.from({ length: 300 }, (_, index) => `key ${index}`);
  await Promise.all(names.map((name) => store.set(utf8(name), utf8(`value of ${name}`), patient)));
  const values = await Promise.all(names.map((name) => store.get(utf8(name), patient)));
  assert.deepEqual(values.map(textOf), names.map((name) => `value of ${name}`));
  assert.deepEqual(
    (await store.keys(utf8("key *"), patient)).map(textOf).sort(),
    [...names].sort(),
  );
  for (const node of cluster.nodes) assert.ok(Number(await node.command("DBSIZE")) > 50);
  assert.equal(await store.increment(utf8("n"), 1n, patient), 1n);
  assert.equal(await store.expire(utf8("n"), 0n, patient), true);
  assert.equal(await store.delete(utf8("n"), patient), false);
  // Each key is swapped on the node that has it.
  for (const name of names.slice(0, 20)) {
    const values = { expected: utf8(`value of ${name}`), value: utf8(`value of ${name}`) };
    assert.deepEqual(await store.swap(utf8(name), values, patient), { swapped: true });
  }

  // One node stops: its keys fail, the others work.
  const [lost] = cluster.nodes;
  assert.ok(lost);
  const there = Number(await lost.command("DBSIZE"));
  await lost.kill();
  const outcomes = await Promise.allSettled(
    names.map((name) => store.set(utf8(name), utf8("w"), patient)),
  );
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason] : []
  );
  assert.equal(failures.length, there);
  for (const failure of failures) {
    assert.ok(failure instanceof CapsuleError && failure.code === "STORE", String(failure));
  }

  // All nodes stop: nothing hangs.
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  for (let time = 0; time < 2; time++) {
    await assert.rejects(store.set(utf8("k"), utf8("v"), patient), { code: "STORE" });
  }
  await using newcomer = new TestStore({ REDIS_ADDR: cluster.addresses, REDIS_MODE: "cluster" });
  await assert.rejects(newcomer.get(utf8("k"), patient), {
    code: "STORE",
    message: `${newcomer.description} cannot be reached`,
  });

  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await cluster.agreed();
  await Promise.all(names.map((name) => store.set(utf8(name), utf8("x"), patient)));
  const again = await Promise.all(names.map((name) => store.get(utf8(name), patient)));
  assert.deepEqual(again.map(textOf), names.map(() => "x"));
});

redisTest("redis: follows the sentinels' master across a failover", async () => {
  await using first = await RedisServer.start({ config: ["--repl-diskless-sync-delay", "0"] });
  await using second = await RedisServer.start();
  await second.command("REPLICAOF", "127.0.0.1", `${first.port}`);
  await first.said(/Synchronization with replica .* succeeded/);
  await using sentinel = await RedisServer.start({ sentinel: true });
  await sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", `${first.port}`, "1");
  await using store = new TestStore({
    REDIS_ADDR: sentinel.address,
    REDIS_MODE: "sentinel",
    REDIS_MASTER: "main",
  });
  await store.set(utf8("k"), utf8("v"), patient);
  assert.equal(await first.command("GET", "k"), "v");

  // After a failover the old master is a replica, and the sentinel names the new one.
  await second.command("REPLICAOF", "NO", "ONE");
  await sentinel.command("SENTINEL", "REMOVE", "main");
  await sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", `${second.port}`, "1");
  await first.command("REPLICAOF", "127.0.0.1", `${second.port}`);
  await store.set(utf8("k"), utf8("w"), patient);
  assert.equal(await second.command("GET", "k"), "w");
});

redisTest("redis: fails immediately if no sentinel is reachable", async () => {
  await using sentinel = await RedisServer.start({ sentinel: true });
  await sentinel.kill();
  await using store = new TestStore({ REDIS_ADDR: sentinel.address, REDIS_MODE: "sentinel" });
  for (let time = 0; time < 2; time++) {
    await assert.rejects(store.get(utf8("k"), patient), {
      code: "STORE",
      message: /^All sentinels are unreachable/,
    });
  }
}, {
  // ioredis leaves a timer of two seconds behind for a sentinel whose connection is closed.
  sanitizeOps: false,
  sanitizeResources: false,
});
