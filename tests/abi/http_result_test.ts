import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeText,
  encodeText,
  readByteString,
  utf8Text,
  writeByteString,
} from "../../src/base/byte_string.ts";
import { decodeError, encodeError } from "../../src/abi/guest_strings.ts";
import {
  addRequestHeader,
  canonicalName,
  decodeHeaders,
  maxHeaderListBytes,
} from "../../src/abi/headers.ts";
import { decodeHttpResult } from "../../src/abi/http_result.ts";

function decode(text: string) {
  const { failed, body, headerList } = decodeHttpResult(encodeText(text));
  return {
    failed,
    body: typeof body === "string" ? body : decodeText(body),
    headers: decodeHeaders(headerList),
  };
}

Deno.test("decodeHttpResult: splits body and headers", () => {
  assert.deepEqual(decode("[BODY]hello[HEADERS]Content-Type:text/plain|X:1"), {
    failed: false,
    body: "hello",
    headers: [["Content-Type", "text/plain"], ["X", "1"]],
  });
});

Deno.test("decodeHttpResult: a body may contain the marks", () => {
  assert.equal(decode("[BODY][BODY]x[HEADERS]").body, "[BODY]x");
  assert.deepEqual(decode("[BODY]a[HEADERS]b:c[HEADERS]X:1"), {
    failed: false,
    body: "a[HEADERS]b:c",
    headers: [["X", "1"]],
  });
  assert.equal(decode("[BODY][[HEADERS]").body, "[");
});

Deno.test("decodeHttpResult: without marks all is body, also nothing", () => {
  assert.deepEqual(decode("plain"), { failed: false, body: "plain", headers: [] });
  assert.deepEqual(decode(""), { failed: false, body: "", headers: [] });
  assert.deepEqual(decode("[BODY][HEADERS]"), { failed: false, body: "", headers: [] });
});

Deno.test("decodeHttpResult: an error keeps its text and its headers", () => {
  assert.deepEqual(decode("[ERR][7]:gone ☹[HEADERS]A:b"), {
    failed: true,
    body: "[ERR][7]:gone ☹",
    headers: [["A", "b"]],
  });
});

/** Bytes that are valid UTF-8, nearly valid, or arbitrary. */
function anyBody(): fc.Arbitrary<Uint8Array> {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).map(encodeText);
  const nearly = fc.tuple(text, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) =>
    bytes.with(at % bytes.length, byte)
  );
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), text, nearly);
}

Deno.test("decodeHttpResult: any bytes are the body, a string if short and UTF-8", () => {
  const isText = (bytes: Uint8Array) => {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes) !== undefined;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(anyBody(), (body) => {
      const result = new Uint8Array([
        ...encodeText("[BODY]"),
        ...body,
        ...encodeText("[HEADERS]A:b"),
      ]);
      const back = decodeHttpResult(result).body;
      const isShort = body.length <= 128 || body.every((byte) => byte < 128);
      assert.equal(typeof back === "string", isShort && isText(body));
      assert.deepEqual(typeof back === "string" ? encodeText(back) : back, new Uint8Array(body));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("decodeHttpResult: invalid UTF-8 stays bytes, valid UTF-8 is kept exactly", () => {
  for (
    const bytes of [
      [0x80],
      [0xc3],
      [0xc0, 0xaf],
      [0xc1, 0xbf],
      [0xc3, 0x28],
      [0xe0, 0x80, 0xaf],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x80, 0x80, 0xaf],
      [0xf0, 0x9f, 0x91],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xff],
    ]
  ) {
    assert.deepEqual(decodeHttpResult(Uint8Array.from(bytes)).body, Uint8Array.from(bytes));
  }
  assert.equal(utf8Text(encodeText("é"), 0, 1), undefined);
  for (const text of ["\ufeffé", "\u0000ß", "퟿\ue000", "\uffff", "\u{10000}\u{10ffff}", "👋"]) {
    assert.equal(decodeHttpResult(encodeText(text)).body, text);
  }
});

Deno.test("decodeHttpResult: a body of 5 MiB is whole", () => {
  const body = new Uint8Array(5 << 20).map((_, i) => i * 31);
  const result = new Uint8Array(body.length + 15);
  result.set(encodeText("[BODY]"));
  result.set(body, 6);
  result.set(encodeText("[HEADERS]"), body.length + 6);
  assert.deepEqual(decodeHttpResult(result).body, body);
});

Deno.test("decodeHeaders: splits at the first colon and skips `empty`", () => {
  assert.deepEqual(decodeHeaders("Location:http://localhost:8080/|Empty:|:no name|word"), [
    ["Location", "http://localhost:8080/"],
    ["Empty", ""],
  ]);
  assert.deepEqual(decodeHeaders("empty"), []);
  assert.deepEqual(decodeHeaders(""), []);
});

Deno.test("addRequestHeader: canonical names, and `|` in values encoded", () => {
  const list = addRequestHeader("", "content-type", "a|b");
  assert.equal(list, "Content-Type:a%7Cb");
  assert.equal(addRequestHeader(list, "x-é-id", "\u00f0\u009f"), `${list}|X-é-Id:\u00f0\u009f`);
  assert.equal(canonicalName("WWW-authenticate"), "Www-Authenticate");
});

Deno.test("encodeError, decodeError: show a code other than 0", () => {
  assert.equal(encodeError(new Error("redis: nil")), "[ERR][0]:redis: nil");
  assert.equal(decodeError("[ERR][0]:redis: nil"), "redis: nil");
  assert.equal(decodeError("[ERR][404]:not found"), "not found (404)");
  assert.equal(decodeError("[ERR]odd"), "odd");
  assert.equal(decodeError("fine [ERR][0]:"), undefined);
  assert.equal(decodeError("[ERR][0]:"), "");
});

Deno.test("decodeHttpResult: different header lists are never confused", () => {
  for (const list of ["A:b", "A:c", "B:c", "A:bc", "A", "", "A:\u00e9", "A:b"]) {
    const result = encodeText(`[BODY]x[HEADERS]${list}`);
    assert.equal(
      decodeText(Uint8Array.from(decodeHttpResult(result).headerList, (c) => c.charCodeAt(0))),
      list,
    );
  }
});

Deno.test("readByteString, writeByteString: every byte, short and long", () => {
  for (const length of [0, 1, 7, 8, 9, 63, 64, 65, 8192, 8193, 100_000]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 7);
    const text = readByteString(bytes, 0, length);
    const back = new Uint8Array(length + 1);
    writeByteString(text, back, 1);
    assert.deepEqual(back.subarray(1), bytes);
  }
});

Deno.test("decodeHttpResult: a header list of 64 MB is cut at its limit", () => {
  const result = new Uint8Array(64 * 1024 ** 2).fill("|".charCodeAt(0));
  result.set(encodeText("[BODY]"));
  const mark = encodeText("[HEADERS]a:b");
  result.set(mark, result.length - 2 * maxHeaderListBytes);
  const { headerList } = decodeHttpResult(result);
  assert.equal(headerList.length, maxHeaderListBytes + 1);
  assert.deepEqual(decodeHeaders(headerList), [["a", "b"]]);
  result.fill("[".charCodeAt(0));
  assert.equal(decodeHttpResult(result).headerList, "");
});
