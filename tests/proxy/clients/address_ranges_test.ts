import assert from "node:assert/strict";
import { isInside, parseRanges } from "../../../src/proxy/clients/address_ranges.ts";

Deno.test("parseRanges: a range contains its addresses and no others", () => {
  const ranges = parseRanges([
    "10.0.0.0/8",
    "192.168.1.7",
    "fd00::/8",
    "::1",
    "172.16.0.0/12",
    "0.0.0.0/32",
  ]);
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

Deno.test("parseRanges: names a text that is not a range", () => {
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
      message: `-trustedProxies must be addresses or ranges such as 10.0.0.0/8: got "${text}"`,
    });
  }
});
