import assert from "node:assert/strict";
import {
  fromEndpoint,
  type IpSocketAddress,
  isDefaultSource,
  isSameAddress,
  parseIpAddress,
  refusedAddress,
  toEndpoint,
} from "../../../../src/wasi/p2/sockets/socket_address.ts";
import { ipv4, ipv6 } from "./guest_sockets.ts";

Deno.test("socket address: survives formatting and parsing", () => {
  for (
    const [address, hostname] of [
      [ipv4(80), "127.0.0.1"],
      [ipv4(65_535, [255, 0, 1, 254]), "255.0.1.254"],
      [ipv6(0), "::1"],
      [ipv6(1, [0x2001, 0xdb8, 0, 0, 0xffff, 0, 0, 0x10]), "2001:db8::ffff:0:0:10"],
      [ipv6(1, [0, 0, 0, 0, 0, 0, 0, 0]), "::"],
    ] as const
  ) {
    assert.deepEqual(toEndpoint(address), { hostname, port: address.value.port });
    assert.deepEqual(fromEndpoint(toEndpoint(address)), address);
  }
  assert.throws(() => fromEndpoint({ hostname: "localhost", port: 1 }), /not an IP address/);
});

Deno.test("socket address: refuses another family, mapped and unreachable addresses", () => {
  const mapped = [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1];
  const zero = [0, 0, 0, 0];
  for (
    const [address, family, use, expected] of [
      [ipv4(80), "ipv4", "tcp-connect", undefined],
      [ipv4(80), "ipv6", "tcp-connect", "invalid-argument"],
      [ipv6(80), "ipv4", "udp-bind", "invalid-argument"],
      [ipv6(80, mapped), "ipv6", "tcp-bind", "invalid-argument"],
      [ipv6(80, mapped), "ipv6", "udp-remote", "invalid-argument"],
      [ipv4(0), "ipv4", "tcp-connect", "invalid-argument"],
      [ipv4(0), "ipv4", "udp-remote", "invalid-argument"],
      [ipv4(0), "ipv4", "tcp-bind", undefined],
      [ipv4(1, zero), "ipv4", "tcp-connect", "invalid-argument"],
      [ipv4(1, zero), "ipv4", "udp-remote", "invalid-argument"],
      [ipv4(1, zero), "ipv4", "udp-bind", undefined],
      [ipv4(1, [224, 0, 0, 1]), "ipv4", "tcp-connect", "invalid-argument"],
      [ipv4(1, [224, 0, 0, 1]), "ipv4", "udp-remote", undefined],
      [ipv4(1, [255, 255, 255, 255]), "ipv4", "tcp-bind", "invalid-argument"],
      [ipv6(1, [0xff02, 0, 0, 0, 0, 0, 0, 1]), "ipv6", "tcp-connect", "invalid-argument"],
    ] as const
  ) {
    assert.equal(refusedAddress(address, family, use), expected, JSON.stringify([address, use]));
  }
  const { value } = ipv6(1);
  const scoped = { tag: "ipv6", value: { ...value, "scope-id": 2 } } as const;
  assert.equal(refusedAddress(scoped as never, "ipv6", "tcp-connect"), "not-supported");
});

Deno.test("socket address: compares family, address and port", () => {
  assert.ok(isSameAddress(ipv6(1), ipv6(1)));
  assert.ok(!isSameAddress(ipv6(1), ipv6(2)));
  assert.ok(!isSameAddress(ipv4(1), ipv4(1, [127, 0, 0, 2])));
  assert.ok(!isSameAddress(ipv4(1, [0, 0, 0, 0]), ipv6(1, [0, 0, 0, 0, 0, 0, 0, 0])));
});

Deno.test("socket address: parses addresses and no names", () => {
  assert.deepEqual(parseIpAddress("::ffff:1.2.3.4")?.tag, "ipv6");
  for (const text of ["localhost", "", "1.2.3.4:80", "[::1]", "1.2.3.4.5"]) {
    assert.equal(parseIpAddress(text), undefined, text);
  }
});

Deno.test("socket address: the system may choose the source that a socket is bound to", () => {
  const remote = [ipv4(80, [127, 9, 9, 9]), ipv4(80, [192, 0, 2, 1])];
  const sources = (local: IpSocketAddress) => remote.map((one) => isDefaultSource(local, one));
  assert.deepEqual(sources(ipv4(0, [0, 0, 0, 0])), [true, true]);
  assert.deepEqual(sources(ipv4(0)), [true, false]);
  assert.deepEqual(sources(ipv4(0, [127, 0, 0, 2])), [false, false]);
  assert.deepEqual(sources(ipv4(1)), [false, false]);
  assert.deepEqual(sources(ipv4(1, [0, 0, 0, 0])), [false, false]);
  assert.ok(isDefaultSource(ipv6(0), ipv6(80)));
  assert.ok(!isDefaultSource(ipv6(0), ipv6(80, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])));
});
