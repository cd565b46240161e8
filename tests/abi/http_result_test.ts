import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeText, encodeText, readByteString, writeByteString } from "../../src/base/byte_string.ts";
import { decodeError, encodeError } from "../../src/abi/guest_strings.ts";
import { addRequestHeader, canonicalName, decodeHeaders } from "../../src/abi/headers.ts";
import { decodeHttpResult } from "../../src/abi/http_result.ts";

function decode(text: string) {
  const { failed, body, headerList } = decodeHttpResult(encodeText(text));
  return {
    failed,
    body: typeof body === "string" ? body : decodeText(body),
    headers: decodeHeaders(headerList),
  };
}

Deno.test("a result is its body and its headers", () => {
  assert.deepEqual(decode("[BODY]hello[HEADERS]Content-Type:text/plain|X:1"), {
    failed: false,
    body: "hello",
    headers: [["Content-Type", "text/plain"], ["X", "1"]],
  });
});

Deno.test("a body may hold the marks of a result", () => {
  assert.equal(decode("[BODY][BODY]x[HEADERS]").body, "[BODY]x");
  assert.deepEqual(decode("[BODY]a[HEADERS]b:c[HEADERS]X:1"), {
    failed: false,
    body: "a[HEADERS]b:c",
    headers: [["X", "1"]],
  });
  assert.equal(decode("[BODY][[HEADERS]").body, "[");
});

Deno.test("a result without marks is a body, and an empty result an empty one", () => {
  assert.deepEqual(decode("plain"), { failed: false, body: "plain", headers: [] });
  assert.deepEqual(decode(""), { failed: false, body: "", headers: [] });
  assert.deepEqual(decode("[BODY][HEADERS]"), { failed: false, body: "", headers: [] });
});

Deno.test("a failed result keeps its error text and its headers", () => {
  assert.deepEqual(decode("[ERR][7]:gone ☹[HEADERS]A:b"), {
    failed: true,
    body: "[ERR][7]:gone ☹",
    headers: [["A", "b"]],
  });
});

Deno.test("any bytes come back as the body", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
    const result = new Uint8Array([...encodeText("[BODY]"), ...body, ...encodeText("[HEADERS]A:b")]);
    const back = decodeHttpResult(result).body;
    assert.equal(typeof back === "string", body.every((byte) => byte < 128));
    assert.deepEqual(typeof back === "string" ? encodeText(back) : back, new Uint8Array(body));
  }));
});

Deno.test("a five megabyte body comes back whole", () => {
  const body = new Uint8Array(5 << 20).map((_, i) => i * 31);
  const result = new Uint8Array(body.length + 15);
  result.set(encodeText("[BODY]"));
  result.set(body, 6);
  result.set(encodeText("[HEADERS]"), body.length + 6);
  assert.deepEqual(decodeHttpResult(result).body, body);
});

Deno.test("a header is split at its first colon, and `empty` is no header", () => {
  assert.deepEqual(decodeHeaders("Location:http://localhost:8080/|Empty:|:no name|word"), [
    ["Location", "http://localhost:8080/"],
    ["Empty", ""],
  ]);
  assert.deepEqual(decodeHeaders("empty"), []);
  assert.deepEqual(decodeHeaders(""), []);
});

Deno.test("request headers have Go's names and no bar in a value", () => {
  const list = addRequestHeader("", "content-type", "a|b");
  assert.equal(list, "Content-Type:a%7Cb");
  assert.equal(addRequestHeader(list, "x-é-id", "\u00f0\u009f"), `${list}|X-é-Id:\u00f0\u009f`);
  assert.equal(canonicalName("WWW-authenticate"), "Www-Authenticate");
});

Deno.test("an error carries its code only when it has one", () => {
  assert.equal(encodeError(new Error("redis: nil")), "[ERR][0]:redis: nil");
  assert.equal(decodeError("[ERR][0]:redis: nil"), "redis: nil");
  assert.equal(decodeError("[ERR][404]:not found"), "not found (404)");
  assert.equal(decodeError("[ERR]odd"), "odd");
  assert.equal(decodeError("fine [ERR][0]:"), undefined);
  assert.equal(decodeError("[ERR][0]:"), "");
});

Deno.test("the header list of one result is never taken for that of another", () => {
  for (const list of ["A:b", "A:c", "B:c", "A:bc", "A", "", "A:\u00e9", "A:b"]) {
    const result = encodeText(`[BODY]x[HEADERS]${list}`);
    assert.equal(
      decodeText(Uint8Array.from(decodeHttpResult(result).headerList, (c) => c.charCodeAt(0))),
      list,
    );
  }
});

Deno.test("byte strings carry every byte, short and long", () => {
  for (const length of [0, 1, 7, 8, 9, 63, 64, 65, 8192, 8193, 100_000]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 7);
    const text = readByteString(bytes, 0, length);
    const back = new Uint8Array(length + 1);
    writeByteString(text, back, 1);
    assert.deepEqual(back.subarray(1), bytes);
  }
});
