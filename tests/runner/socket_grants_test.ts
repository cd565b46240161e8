import assert from "node:assert/strict";
import { type SocketGrant } from "../../src/wasi/p2/sockets/socket_grant.ts";
import { socketGrants } from "../../src/runner/socket_grants.ts";

/** Returns the grant of one guest, whose names have these addresses. */
function grantOf(
  { allowNet, allowListen, sandbox = false, names = {} }: {
    readonly allowNet?: readonly string[];
    readonly allowListen?: readonly string[];
    readonly sandbox?: boolean;
    readonly names?: Readonly<Record<string, string[]>>;
  },
): SocketGrant {
  const resolve = (name: string) => Promise.resolve(names[name] ?? []);
  return socketGrants({ allowNet, allowListen, sandbox }, resolve)();
}

const at = (hostname: string, port: number) => ({ hostname, port });

Deno.test("socket grants: no flag, an empty list and -sandbox grant nothing", () => {
  for (
    const grants of [
      {},
      { allowNet: [] },
      { allowNet: ["127.0.0.1"], allowListen: ["127.0.0.1:1"], sandbox: true },
    ]
  ) {
    const grant = grantOf(grants);
    assert.ok(grant.isEmpty);
    assert.ok(!grant.mayReach(at("127.0.0.1", 1)) && !grant.mayListen(at("127.0.0.1", 1)));
    assert.ok(!grant.mayResolve("localhost"));
  }
});

Deno.test("socket grants: destinations and addresses to listen on are separate", () => {
  const grant = grantOf({ allowNet: ["127.0.0.1:1"], allowListen: ["127.0.0.1:2"] });
  assert.ok(grant.mayReach(at("127.0.0.1", 1)) && !grant.mayReach(at("127.0.0.1", 2)));
  assert.ok(grant.mayListen(at("127.0.0.1", 2)) && !grant.mayListen(at("127.0.0.1", 1)));
});

Deno.test("socket grants: a name allows its addresses once it is looked up, in one call", async () => {
  const names = { "db.example": ["203.0.113.7", "2001:DB8:0::1"] };
  const grant = grantOf({ allowNet: ["db.example:5432"], names });
  assert.ok(!grant.mayReach(at("203.0.113.7", 5432)));
  assert.ok(grant.mayResolve("db.example") && !grant.mayResolve("other.example"));
  assert.deepEqual(await grant.resolve("db.example"), ["203.0.113.7", "2001:db8::1"]);
  assert.ok(grant.mayReach(at("203.0.113.7", 5432)) && grant.mayReach(at("2001:db8::1", 5432)));
  assert.ok(!grant.mayReach(at("203.0.113.7", 80)) && !grant.mayReach(at("203.0.113.8", 5432)));
  grant.forget();
  assert.ok(!grant.mayReach(at("203.0.113.7", 5432)));
});

Deno.test("socket grants: a name that leads to this machine or its network link is refused", async () => {
  const names = {
    "evil.example": ["127.0.0.1", "169.254.169.254", "::1"],
    "half.example": ["10.0.0.1", "127.0.0.1"],
    "zone.example": ["fe80::1%eth0"],
  };
  const grant = grantOf({ allowNet: Object.keys(names), names });
  await assert.rejects(grant.resolve("evil.example"), { code: "DENIED" });
  await assert.rejects(grant.resolve("zone.example"), { code: "DENIED" });
  assert.deepEqual(await grant.resolve("half.example"), ["10.0.0.1"]);
  for (const address of ["127.0.0.1", "169.254.169.254", "::1"]) {
    assert.ok(!grant.mayReach(at(address, 80)), address);
  }
});

Deno.test("socket grants: a second answer for a name adds its addresses, checked like the first", async () => {
  const answers = [["203.0.113.7"], ["127.0.0.1", "203.0.113.8"]];
  const resolve = () => Promise.resolve(answers.shift() ?? []);
  const flags = { allowNet: ["db.example"], allowListen: undefined, sandbox: false };
  const grant = socketGrants(flags, resolve)();
  await grant.resolve("db.example");
  assert.deepEqual(await grant.resolve("db.example"), ["203.0.113.8"]);
  assert.ok(grant.mayReach(at("203.0.113.7", 1)) && grant.mayReach(at("203.0.113.8", 1)));
  assert.ok(!grant.mayReach(at("127.0.0.1", 1)));
});

Deno.test("socket grants: a look-up that ends after the call grants the next one nothing", async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const flags = { allowNet: ["db.example"], allowListen: undefined, sandbox: false };
  const grant = socketGrants(flags, () => promise)();
  const found = grant.resolve("db.example");
  grant.forget();
  resolve(["203.0.113.7"]);
  await found;
  assert.ok(!grant.mayReach(at("203.0.113.7", 1)));
});

Deno.test("socket grants: up to 32 look-ups are pending, of all guests together", async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const flags = { allowNet: ["db.example"], allowListen: undefined, sandbox: false };
  const grantFor = socketGrants(flags, () => promise);
  const pending = Array.from({ length: 32 }, () => grantFor().resolve("db.example"));
  await assert.rejects(grantFor().resolve("db.example"), { code: "EAI_AGAIN" });
  resolve(["203.0.113.7"]);
  await Promise.all(pending);
  assert.deepEqual(await grantFor().resolve("db.example"), ["203.0.113.7"]);
});
