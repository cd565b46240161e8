import assert from "node:assert/strict";
import { hashKey } from "../../../src/proxy/forward/forward.ts";
import { encodeByteString } from "../../../src/base/byte_string.ts";
import { parseRequestHead } from "../../../src/http1/request_head.ts";

Deno.test("hashKey: the value of the header, or the client's address if that is trusted", () => {
  const keyOf = (headers: string, trusted: boolean, header?: string) => {
    const bytes = encodeByteString(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
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
