import assert from "node:assert/strict";
import { guestMark } from "../../src/base/headers.ts";
import { isLoopback } from "../../src/base/hosts.ts";
import { adminGuard, assertMayStart } from "../../src/server/admin_guard.ts";

const host = "127.0.0.1";
const at = (headers: Record<string, string>) =>
  new Request("http://127.0.0.1:8888/memory", { headers });
const verdict = async (guard: ReturnType<typeof adminGuard>, headers: Record<string, string>) => {
  const response = guard(at(headers));
  return response === undefined ? "passes" : `${response.status} ${(await response.json()).code}`;
};

Deno.test("adminGuard: without a token, only this machine's names pass, and no foreign page", async () => {
  const guard = adminGuard({ host });
  const rows: [Record<string, string>, string][] = [
    [{ host: "127.0.0.1:8888" }, "passes"],
    [{ host: "localhost:8888" }, "passes"],
    [{ host: "LOCALHOST" }, "passes"],
    [{ host: "[::1]:8888" }, "passes"],
    [{ host: "127.0.0.2:8888" }, "passes"],
    [{}, "passes"],
    [{ host: "evil.example:8888" }, "403 FOREIGN_HOST"],
    [{ host: "localhost.evil.example" }, "403 FOREIGN_HOST"],
    [{ host: "127.0.0.1.evil.example" }, "403 FOREIGN_HOST"],
    [{ host: "user@localhost:8888" }, "403 FOREIGN_HOST"],
    [{ host: "" }, "403 FOREIGN_HOST"],
    [{ host: "192.168.1.7:8888" }, "403 FOREIGN_HOST"],
    [{ host: "localhost:8888", origin: "http://localhost:8888" }, "passes"],
    [{ host: "localhost:80", origin: "http://localhost" }, "passes"],
    [{ host: "localhost:8888", origin: "http://localhost:3000" }, "403 FOREIGN_ORIGIN"],
    [{ host: "localhost:8888", origin: "https://evil.example" }, "403 FOREIGN_ORIGIN"],
    [{ host: "localhost:8888", origin: "null" }, "403 FOREIGN_ORIGIN"],
    [{ host: "evil.example:8888", origin: "http://evil.example:8888" }, "403 FOREIGN_HOST"],
    [{ host: "localhost:8888", [guestMark]: "1" }, "403 GUEST_REFUSED"],
  ];
  for (const [headers, expected] of rows) {
    assert.equal(await verdict(guard, headers), expected, JSON.stringify(headers));
  }
});

Deno.test("adminGuard: on the origin of functions, requests of pages are refused", async () => {
  const named = { host: "localhost:8888" };
  const rows: [Record<string, string>, string][] = [
    [{}, "passes"],
    [{ "sec-fetch-site": "none" }, "passes"],
    [{ "sec-fetch-site": "same-origin" }, "403 PAGE_REFUSED"],
    [{ "sec-fetch-site": "same-site" }, "403 PAGE_REFUSED"],
    [{ "sec-fetch-site": "cross-site" }, "403 PAGE_REFUSED"],
    [{ "sec-fetch-site": "" }, "403 PAGE_REFUSED"],
    [{ origin: "http://localhost:8888" }, "403 PAGE_REFUSED"],
    [{ origin: "http://localhost:8888", "sec-fetch-site": "none" }, "403 PAGE_REFUSED"],
    [{ origin: "http://localhost:3000" }, "403 FOREIGN_ORIGIN"],
  ];
  for (const token of [undefined, "t"]) {
    const guard = adminGuard({ host, token, sharesOrigin: true });
    for (const [headers, expected] of rows) {
      const sent = { ...named, ...headers, ...(token && { authorization: `Bearer ${token}` }) };
      assert.equal(await verdict(guard, sent), expected, JSON.stringify(sent));
    }
  }
});

Deno.test("adminGuard: the name of -host is this server's, too", async () => {
  assert.equal(
    await verdict(adminGuard({ host: "capsule.test" }), { host: "capsule.test:1" }),
    "passes",
  );
});

Deno.test("adminGuard: with a token, the token passes under any name, and nothing else does", async () => {
  const token = "sésame 🔑".replace(" ", "-");
  const sent = Array.from(new TextEncoder().encode(token), (byte) => String.fromCharCode(byte))
    .join("");
  const guard = adminGuard({ host: "0.0.0.0", token });
  const named = { host: "capsule.example" };
  const rows: [Record<string, string>, string][] = [
    [{ authorization: `Bearer ${sent}` }, "passes"],
    [{ authorization: `bearer  ${sent}` }, "passes"],
    [{ authorization: `Bearer ${sent}`, [guestMark]: "1" }, "passes"],
    [{}, "401 UNAUTHORIZED"],
    [{ authorization: "Bearer" }, "401 UNAUTHORIZED"],
    [{ authorization: "Bearer  " }, "401 UNAUTHORIZED"],
    [{ authorization: `Bearer ${sent}x` }, "401 UNAUTHORIZED"],
    [{ authorization: `Bearer ${sent.slice(0, -1)}x` }, "401 UNAUTHORIZED"],
    [{ authorization: sent }, "401 UNAUTHORIZED"],
    [{ authorization: `Basic ${btoa("me:" + sent)}` }, "401 UNAUTHORIZED"],
    [{ authorization: `Bearer ${sent}`, origin: "https://evil.example" }, "403 FOREIGN_ORIGIN"],
  ];
  for (const [headers, expected] of rows) {
    assert.equal(await verdict(guard, { ...named, ...headers }), expected, JSON.stringify(headers));
  }
});

Deno.test("adminGuard: Basic with the token as password passes if allowed, and a 401 offers it", async () => {
  const guard = adminGuard({ host, token: "reader", alsoTokens: ["admin", ""], basic: true });
  for (const password of ["reader", "admin"]) {
    assert.equal(
      await verdict(guard, { authorization: `Basic ${btoa(`anyone:${password}`)}` }),
      "passes",
    );
  }
  for (const credentials of [btoa("a:b"), btoa("reader"), btoa("a:"), "%%%"]) {
    assert.equal(
      await verdict(guard, { authorization: `Basic ${credentials}` }),
      "401 UNAUTHORIZED",
    );
  }
  assert.equal(
    guard(at({}))?.headers.get("www-authenticate"),
    'Basic realm="capsule", charset="UTF-8"',
  );
  assert.equal(
    adminGuard({ host, token: "t" })(at({}))?.headers.get("www-authenticate"),
    'Bearer realm="capsule"',
  );
});

Deno.test("assertMayStart: an address that other machines reach needs a token", () => {
  for (const local of ["127.0.0.1", "127.9.8.7", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopback(local), local);
    assertMayStart({ host: local, what: "the registry" });
  }
  for (const open of ["0.0.0.0", "::", "192.168.0.1", "example.org", "127.0.0.1.example.org", ""]) {
    assert.ok(!isLoopback(open), open);
    assertMayStart({ host: open, token: "t", what: "the registry" });
    assert.throws(
      () => assertMayStart({ host: open, token: "", what: "the registry" }),
      /cannot start the registry on -host=.*-adminToken/,
    );
  }
});
