import assert from "node:assert/strict";
import { isInside, parseRanges } from "../../src/proxy/address_ranges.ts";
import { hashKey } from "../../src/proxy/hash_key.ts";
import { textBytes } from "../../src/proxy/http1/characters.ts";
import { parseRequestHead } from "../../src/proxy/http1/request_head.ts";

Deno.test("ranges of trusted proxies hold their addresses and no others", () => {
  const ranges = parseRanges(["10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1", "172.16.0.0/12", "0.0.0.0/32"]);
  for (
    const [address, inside] of [
      ["10.0.0.0", true],
      ["10.255.255.255", true],
      ["11.0.0.0", false],
      ["9.255.255.255", false],
      ["192.168.1.7", true],
      ["192.168.1.8", false],
      ["172.31.255.255", true],
      ["172.32.0.0", false],
      ["fd12:3456::1", true],
      ["fe80::1", false],
      ["::1", true],
      ["::2", false],
      ["::ffff:10.1.2.3", true],
      ["::ffff:11.1.2.3", false],
      ["0.0.0.1", false],
      ["", false],
      ["localhost", false],
    ] as const
  ) {
    assert.equal(isInside(address, ranges), inside, address);
  }
  assert.equal(isInside("10.0.0.1", []), false);
});

Deno.test("what is no range is refused by name", () => {
  for (
    const text of [
      "ten",
      "10.0.0.0/33",
      "fd00::/129",
      "10.0.0.0/",
      "/8",
      "10.0.0.0-10.0.0.9",
      "",
      "10.0.0.0/-1",
    ]
  ) {
    assert.throws(() => parseRanges([text]), {
      message: `-trustedProxies are addresses or ranges such as 10.0.0.0/8: got "${text}"`,
    });
  }
});

Deno.test("hash is by the header that is asked for, or by the client's address as far as it is believed", () => {
  const keyOf = (headers: string, trusted: boolean, header?: string) => {
    const bytes = textBytes(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    const request = parseRequestHead(bytes, 0, bytes.length);
    return hashKey(request, { address: "1.2.3.4", trusted, protocol: "http" }, header);
  };
  const forwarded = "X-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n";
  assert.equal(keyOf("", false), "1.2.3.4");
  assert.equal(keyOf(forwarded, false), "1.2.3.4");
  assert.equal(keyOf(forwarded, true), "7.7.7.7");
  assert.equal(keyOf(`${forwarded}x-forwarded-for: 8.8.8.8\r\n`, true), "8.8.8.8");
  assert.equal(keyOf("", true), "1.2.3.4");
  assert.equal(keyOf("X-User: a, b\r\n", false, "x-user"), "a, b");
  assert.equal(keyOf("X-User: \xe9\r\n", true, "x-user"), "\xe9");
  assert.equal(keyOf("X-User:\r\n", false, "x-user"), "1.2.3.4");
  assert.equal(keyOf("X-Other: a\r\n", true, "x-user"), "1.2.3.4");
});
