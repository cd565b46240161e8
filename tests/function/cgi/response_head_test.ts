import assert from "node:assert/strict";
import { endOfHead, readHead } from "../../../src/function/cgi/response_head.ts";

const end = (text: string, from = 0) => endOfHead(new TextEncoder().encode(text), from);

Deno.test("endOfHead: after the first empty line, with LF or CR LF", () => {
  assert.equal(end("A: b\n\nbody"), 6);
  assert.equal(end("A: b\r\n\r\nbody\n\n"), 8);
  assert.equal(end("A: b\n\r\nbody"), 7);
  assert.equal(end("A: b\r\n\nbody"), 7);
  assert.equal(end("\nbody"), 1);
  assert.equal(end("\r\nbody"), 2);
  for (const text of ["", "A: b", "A: b\n", "A: b\r\n", "A: b\n\r", "A: b\n \n", "\r"]) {
    assert.equal(end(text), undefined, JSON.stringify(text));
  }
});

Deno.test("endOfHead: finds a head that arrives byte by byte", () => {
  for (const text of ["A: b\n\n", "A: b\r\n\r\n", "\n", "A: b\nC: d\r\n\n"]) {
    for (let length = 1; length <= text.length; length++) {
      const expected = length === text.length ? length : undefined;
      assert.equal(end(text.slice(0, length), length - 1), expected, JSON.stringify(text));
    }
  }
});

Deno.test("readHead: Status, Location and Content-Type decide the status", () => {
  const status = (text: string) => readHead(text).status;
  assert.equal(status("Content-Type: text/plain\n\n"), 200);
  assert.equal(status("STATUS:404\n\n"), 404);
  assert.equal(status("Status: 201 Created\r\n\r\n"), 201);
  assert.equal(status("Location: https://example.org/\n\n"), 302);
  assert.equal(status("Location: relative\n\n"), 302);
  assert.equal(status("Status: 303\nLocation: /here\n\n"), 303);
  assert.equal(readHead("Status: 303\nLocation: /here\n\n").localRedirect, undefined);
  assert.equal(
    readHead("Content-Type: text/plain\nLocation: /here?a=b\n\n").localRedirect,
    "/here?a=b",
  );
});

Deno.test("readHead: keeps order, repetitions and bytes, without Status and Content-Length", () => {
  const { headers } = readHead(
    "Set-Cookie: a\nX:\t \xc3\xa9 \xff\t\nStatus: 200\nContent-Length: 1\nSet-Cookie: b:c\nE:\n\n",
  );
  assert.deepEqual(headers, [["Set-Cookie", "a"], ["X", "\xc3\xa9 \xff"], ["Set-Cookie", "b:c"], [
    "E",
    "",
  ]]);
});

const bad: [text: string, why: RegExp][] = [
  ["\n", /neither a Content-Type nor a Location nor a Status/],
  ["X-A: b\n\n", /neither a Content-Type/],
  ["<html>\n\n", /"<html>" is not a header/],
  [": b\n\n", /": b" is not a header/],
  ["X A: b\n\n", /is not a header/],
  ["A: b\n folded\n\n", /" folded" is not a header/],
  ["HTTP/1.1 200 OK\n\n", /is not a header/],
  ["\xc3\xa9\x07\n\n", /"\?\?\?" is not a header/],
  ["Status: 99\n\n", /from 200 to 599, got "99"/],
  ["Status: 101 Switching\n\n", /got "101 Switching"/],
  ["Status: 2000\n\n", /got "2000"/],
  ["Status:\n\n", /got ""/],
];

for (const [text, why] of bad) {
  Deno.test(`readHead: refuses ${JSON.stringify(text)} with the reason`, () => {
    assert.throws(() => readHead(text), {
      name: "HttpError",
      status: 502,
      code: "BAD_ANSWER",
      message: why,
    });
  });
}
