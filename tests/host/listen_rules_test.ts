import assert from "node:assert/strict";
import { parseListenRules } from "../../src/host/listen_rules.ts";
import { CapsuleError } from "../../src/base/errors.ts";

const at = (hostname: string, port: number) => ({ hostname, port });

Deno.test("listen rules: allow exactly the address and the port", () => {
  const rules = parseListenRules(["127.0.0.1:8080", "[::1]:0", "0.0.0.0:53"]);
  const allowed = [at("127.0.0.1", 8080), at("::1", 0), at("0.0.0.0", 53)];
  for (const local of allowed) assert.ok(rules.allows(local), local.hostname);
  const refused = [
    at("127.0.0.1", 0),
    at("127.0.0.1", 53),
    at("0.0.0.0", 8080),
    at("127.0.0.2", 8080),
    at("::1", 8080),
    at("::", 53),
  ];
  for (const local of refused) assert.ok(!rules.allows(local), JSON.stringify(local));
  assert.ok(!parseListenRules([]).allows(at("127.0.0.1", 0)));
  const anyPort = parseListenRules(["127.0.0.1:*"]);
  for (const port of [0, 1, 65_535]) assert.ok(anyPort.allows(at("127.0.0.1", port)));
  assert.ok(!anyPort.allows(at("127.0.0.2", 1)));
});

Deno.test("listen rules: an address is compared as a number, localhost is both loopbacks", () => {
  const long = parseListenRules(["[2001:DB8:0:0:0:0:0:1]:1"]);
  assert.ok(long.allows(at("2001:db8::1", 1)));
  const local = parseListenRules(["LocalHost:1"]);
  assert.ok(local.allows(at("127.0.0.1", 1)) && local.allows(at("::1", 1)));
  assert.ok(!local.allows(at("127.0.0.2", 1)));
});

Deno.test("listen rules: refuses an invalid rule and quotes it", () => {
  for (
    const [rule, reason] of [
      ["127.0.0.1", /-allowListen="127\.0\.0\.1": a rule is address:port/],
      ["::1", /a rule is address:port or \[IPv6 address\]:port/],
      ["127.0.0.1:", /a rule is/],
      [":80", /a rule is/],
      ["127.0.0.1:65536", /a port is a number from 0 to 65535, got 65536/],
      ["example.org:80", /"example\.org" is not an IP address/],
      ["127.1:80", /"127\.1" is not an IP address/],
      ["[127.0.0.1]:80", /"127\.0\.0\.1" is not an IP address/],
      ["10.0.0.0/8:80", /"10\.0\.0\.0\/8" is not an IP address/],
    ] as const
  ) {
    assert.throws(
      () => parseListenRules([rule]),
      (error) => error instanceof CapsuleError && reason.test(error.message),
      rule,
    );
  }
});
