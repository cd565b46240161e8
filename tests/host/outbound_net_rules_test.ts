import assert from "node:assert/strict";
import { parseNetRules } from "../../src/host/outbound/net_rules.ts";

const allows = (items: string[], name: string, address = name, port = 80) =>
  parseNetRules(items).allows({ name, address, port });

Deno.test("net rules: a name allows the addresses it resolves to, at its port if it has one", () => {
  assert.ok(allows(["example.org"], "example.org", "93.184.216.34", 8080));
  assert.ok(allows(["Example.ORG."], "example.org", "93.184.216.34"));
  assert.ok(allows(["example.org"], "example.org.", "10.1.2.3"), "a company's own machine");
  assert.ok(allows(["été.fr"], "xn--t-9fab.fr", "93.184.216.34"));
  assert.ok(allows(["example.org:443"], "example.org", "93.184.216.34", 443));
  assert.ok(!allows(["example.org:443"], "example.org", "93.184.216.34", 80));
  assert.ok(!allows(["example.org"], "www.example.org", "93.184.216.34"));
  assert.ok(!allows(["example.org"], "evil-example.org", "93.184.216.34"));
  assert.ok(
    !allows(["example.org"], "93.184.216.34"),
    "its address is not its name: others live there too",
  );
});

Deno.test("net rules: a name does not allow loopback or link-local addresses", () => {
  for (
    const address of [
      "127.0.0.1",
      "127.8.8.8",
      "::1",
      "0.0.0.0",
      "::",
      "::ffff:127.0.0.1",
      "169.254.169.254",
      "fe80::1",
      "::ffff:169.254.169.254",
      "224.0.0.1",
      "255.255.255.255",
    ]
  ) {
    assert.ok(!allows(["example.org"], "example.org", address), address);
  }
  assert.ok(allows(["example.org", "127.0.0.1"], "example.org", "127.0.0.1"));
});

Deno.test("net rules: localhost allows loopback in every spelling", () => {
  for (const address of ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"]) {
    assert.ok(allows(["localhost"], "localhost", address), address);
    assert.ok(allows(["localhost:80"], address), address);
  }
  assert.ok(allows(["localhost"], "api.localhost", "127.0.0.1"));
  assert.ok(!allows(["localhost:80"], "localhost", "127.0.0.1", 81));
  assert.ok(
    !allows(["localhost"], "localhost", "10.0.0.1"),
    "a name server that says otherwise is not believed",
  );
});

Deno.test("net rules: compares addresses and ranges as numbers, IPv4-mapped IPv6 included", () => {
  const rows: [string, string, number, boolean][] = [
    ["127.0.0.1", "127.0.0.1", 80, true],
    ["127.0.0.1", "::ffff:127.0.0.1", 80, true],
    ["127.0.0.1", "::ffff:7f00:1", 80, true],
    ["127.0.0.1", "127.0.0.2", 80, false],
    ["127.0.0.1", "0.0.0.0", 80, true],
    ["127.1", "127.0.0.1", 80, true],
    ["127.0.0.1:8080", "127.0.0.1", 8080, true],
    ["127.0.0.1:8080", "127.0.0.1", 80, false],
    ["10.0.0.0/8", "10.255.0.1", 80, true],
    ["10.0.0.0/8", "11.0.0.1", 80, false],
    ["10.0.0.0/8", "::ffff:10.1.1.1", 80, true],
    ["10.0.0.0/8:443", "10.0.0.1", 443, true],
    ["10.0.0.0/8:443", "10.0.0.1", 80, false],
    ["::ffff:10.0.0.1", "10.0.0.1", 80, true],
    ["::1", "::1", 80, true],
    ["[::1]:80", "::1", 80, true],
    ["[::1]:81", "::1", 80, false],
    ["[::1]", "0:0:0:0:0:0:0:1", 80, true],
    ["::1", "127.0.0.1", 80, false],
    ["fd00::/8", "fd12::1", 80, true],
    ["[fd00::/8]:80", "fd12::1", 80, true],
    ["[fd00::/8]:81", "fd12::1", 80, false],
    ["fd00::/8", "fe00::1", 80, false],
    ["0.0.0.0/0", "1.2.3.4", 80, true],
    ["0.0.0.0/0", "2001:db8::1", 80, false],
    ["0.0.0.0", "1.2.3.4", 80, false],
  ];
  for (const [rule, address, port, expected] of rows) {
    assert.equal(
      allows([rule], address, address, port),
      expected,
      `${rule} and ${address} at ${port}`,
    );
  }
  assert.ok(allows(["10.0.0.0/8"], "any.name", "10.0.0.1"), "it is the address that counts");
});

Deno.test("net rules: an empty list allows nothing; mayAllow spares a look-up", () => {
  assert.ok(!allows([], "localhost", "127.0.0.1"));
  const may = (items: string[], name: string, port = 80) =>
    parseNetRules(items).mayAllow(name, port);
  assert.ok(!may([], "example.org"));
  assert.ok(!may(["example.org:443"], "example.org", 80));
  assert.ok(!may(["example.org"], "secret-text.evil.example"));
  assert.ok(may(["10.0.0.0/8"], "any.name"));
  assert.ok(may(["localhost"], "my.name"), "a name for 127.0.0.1");
});

Deno.test("net rules: a name is looked up if a rule has it, or a range of all addresses", () => {
  const rules = parseNetRules(["example.org:80", "10.0.0.0/8", "::1"]);
  const allowed = ["example.org", "Example.ORG.", "localhost", "sub.localhost"];
  for (const name of allowed) assert.ok(rules.mayLookUp(name), name);
  for (const name of ["other.example", "sub.example.org"]) assert.ok(!rules.mayLookUp(name), name);
  assert.ok(!parseNetRules(["example.org"]).mayLookUp("localhost"));
  assert.ok(parseNetRules(["localhost:80"]).mayLookUp("localhost"));
  assert.ok(!parseNetRules(["localhost"]).mayLookUp("other.example"));
  assert.ok(parseNetRules(["0.0.0.0/0"]).mayLookUp("other.example"));
});

Deno.test("net rules: without a port, a rule for any port suffices", () => {
  const rules = parseNetRules(["127.0.0.1:80"]);
  assert.ok(rules.allows({ name: "127.0.0.1", address: "127.0.0.1" }));
  assert.ok(!rules.allows({ name: "127.0.0.2", address: "127.0.0.2" }));
});

Deno.test("net rules: refuses an invalid rule and quotes it", () => {
  for (
    const item of [
      "",
      "http://x",
      "x:y",
      "x:0",
      "x:65536",
      "x:1:2",
      "[::1",
      "::1/129",
      "10.0.0.0/33",
      "a b",
      "a/8",
      "[x]:1",
      "u@h",
      "1.2.3.4.5/8",
      "%zz",
      "*",
      "*.example.org",
    ]
  ) {
    assert.throws(
      () => parseNetRules(["ok.example", item]),
      {
        code: "NET_RULE",
        message: new RegExp(`^-allowNet="${item.replace(/[[\]*?]/g, "\\$&")}": `),
      },
      item,
    );
  }
});
