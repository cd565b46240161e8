import assert from "node:assert/strict";
import { compileWat } from "../prepare/modules.ts";
import { guestModule, moduleAt, serveModule } from "../testing/function.ts";

const url = "http://test/any/path?q=1";

Deno.test("http: the README's handler responds and logs as shown there", async () => {
  await using served = await serveModule(await moduleAt("examples/hello-http/hello.wasm"), [], {
    MESSAGE: "👋 good morning",
  });
  const response = await served.handle(
    new Request(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", "user-agent": "curl/7.79.1" },
      body: '{"message": "TinyGo 💜 wasm"}',
    }),
  );
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"message": "hey people!"}');
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  const message = response.headers.get("message") ?? "";
  assert.equal(
    new TextDecoder().decode(Uint8Array.from(message, (c) => c.charCodeAt(0))),
    "👋 hello world 🌍",
  );
  assert.equal(
    served.output().stdout,
    '📝 body: {"message": "TinyGo 💜 wasm"}\n' +
      "Content-Type: application/json; charset=utf-8\n" +
      "Content-Length: \n" +
      "User-Agent: curl/7.79.1\n" +
      "Environment variable: 👋 good morning\n",
  );
});

for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
  Deno.test(`http: ${method} calls the function`, async () => {
    await using served = await serveModule(await guestModule("echo"));
    assert.equal((await served.handle(new Request(url, { method }))).status, 200);
  });
}

Deno.test("http: bodies pass both ways byte for byte", async () => {
  await using served = await serveModule(await guestModule("echo"));
  const large = new Uint8Array(5 << 20).map((_, i) => i * 7 + (i >> 8));
  const bodies = [
    new Uint8Array(0),
    new Uint8Array([0, 255, 254, 128, 10, 13]),
    large,
    new TextEncoder().encode("👋"),
  ];
  for (const body of bodies) {
    const response = await served.handle(new Request(url, { method: "POST", body }));
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
  }
});

Deno.test("http: a body over -maxBody is a 413 that names the flag", async () => {
  await using served = await serveModule(await guestModule("echo"), ["-maxBody=10"]);
  assert.equal(await served.post("0123456789"), "0123456789");
  const response = await served.handle(new Request(url, { method: "POST", body: "0123456789a" }));
  assert.equal(response.status, 413);
  assert.match(await response.text(), /-maxBody/);
});

Deno.test("http: header values pass both ways byte for byte", async () => {
  await using served = await serveModule(await guestModule("echo"));
  const value = String.fromCharCode(...new TextEncoder().encode("a: 👋 é")) + "\xff";
  const response = await served.handle(new Request(url, { headers: { "x-what": value } }));
  assert.equal(response.headers.get("echo-x-what"), value);
});

Deno.test("http: a `|` in a request header does not split it", async () => {
  await using served = await serveModule(await guestModule("headers-in"));
  const response = await served.handle(new Request(url, { headers: { "x-what": "a|b:c" } }));
  assert.match(await response.text(), /^X-What: a%7Cb:c$/m);
});

Deno.test("http: drops and logs a header that must not be sent, and sends the others", async () => {
  await using served = await serveModule(await guestModule("headers-out"));
  const lines = [
    "Good: yes",
    "Bad Name: x",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Return: a\rb",
    "Control: a\x01b",
    "Delete: a\x7fb",
    "Tab: a\tb",
    "__proto__: p",
    "Empty: ",
  ];
  const response = await served.handle(
    new Request(url, { method: "POST", body: lines.join("\n") }),
  );
  assert.equal(response.status, 200);
  assert.deepEqual([...response.headers].filter(([name]) => !name.startsWith("content-type")), [
    ["__proto__", "p"],
    ["empty", ""],
    ["good", "yes"],
    ["tab", "a\tb"],
  ]);
  const { stderr } = served.output();
  for (
    const name of ["Bad Name", "Content-Length", "Transfer-Encoding", "Return", "Control", "Delete"]
  ) {
    assert.equal(stderr.split(`header "${name}" is left out`).length, 2, name);
  }
});

Deno.test("http: sends repeated headers, and the function's content type", async () => {
  await using served = await serveModule(await guestModule("headers-out"));
  const body = "Set-Cookie: a=1\nCONTENT-TYPE: text/x-one\nset-cookie: b=2";
  const { headers } = await served.handle(new Request(url, { method: "POST", body }));
  assert.deepEqual(headers.getSetCookie().sort(), ["a=1", "b=2"]);
  assert.deepEqual([...headers.keys()], ["content-type", "set-cookie", "set-cookie"]);
  assert.equal(headers.get("content-type"), "text/x-one");
});

Deno.test("http: sends the first 500 headers and logs that others are dropped", async () => {
  await using served = await serveModule(await guestModule("headers-out"));
  const body = Array.from({ length: 600 }, (_, at) => `X-${at}: v`).join("\n");
  const response = await served.handle(new Request(url, { method: "POST", body }));
  const names = [...response.headers.keys()].filter((name) => name.startsWith("x-"));
  assert.ok(names.length >= 499 && names.length <= 500, `${names.length} headers`);
  assert.match(
    served.output().stderr,
    /^warning: the function's headers after the first 500 are left out: it gave 60\d$/m,
  );
});

Deno.test("http: an error is a 500 with the guest's headers, in text or JSON", async () => {
  await using served = await serveModule(await guestModule("http-error"));
  const text = await served.handle(new Request(url, { method: "POST", body: "no such ☹" }));
  assert.equal(text.status, 500);
  assert.equal(text.headers.get("kept"), "yes");
  assert.equal(await text.text(), "no such ☹");
  const json = await served.handle(new Request(url, { method: "POST", body: '{"a":1}' }));
  assert.equal(json.status, 500);
  assert.deepEqual(await json.json(), { error: '{"a":1}', from: "host" });
});

Deno.test("http: a module with the original library receives and returns headers", async () => {
  await using served = await serveModule(await moduleAt("tests/testdata/old-library.wasm"));
  const response = await served.handle(new Request(url, { method: "POST", body: "hello" }));
  assert.equal(response.status, 200);
});

Deno.test("http: a module built for cli mode is recognised", async () => {
  await using served = await serveModule(await moduleAt("examples/hello-cli/hello.wasm"));
  const response = await served.handle(new Request(url));
  assert.equal(response.status, 500);
  const { code, message } = await response.json();
  assert.equal(code, "TRAP");
  assert.match(
    message,
    /nil pointer dereference \(the module was probably built for -mode=cli: it calls SetHandle\)/,
  );
});

Deno.test("http: the message for a nil pointer of the guest does not suggest the other mode", async () => {
  await using served = await serveModule(await guestModule("panic"));
  assert.doesNotMatch(await served.post("panic"), /built for/);
});

Deno.test("http: a request without a Host header has the authority of its URL", async () => {
  await using served = await serveModule(await guestModule("headers-in"));
  const send = async (headers: HeadersInit) =>
    (await (await served.handle(new Request("http://example.org:81/a", { headers }))).text())
      .split("\n").filter((line) => line.startsWith("Host"));
  assert.deepEqual(await send({ "x-a": "b" }), ["Host: example.org:81"]);
  assert.deepEqual(await send({ host: "other.org" }), ["Host: other.org"]);
});

/** A module whose http handler returns 120 MB that begin with the text, and then have `filler`. */
function largeResult(text: string, filler: number): Uint8Array<ArrayBuffer> {
  const length = 120_000_000;
  return compileWat(`(module
    (memory (export "memory") 2000)
    (data (i32.const 16) "${text}")
    (func (export "_start"))
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (memory.fill (i32.const ${16 + text.length}) (i32.const ${filler})
        (i32.const ${length - text.length}))
      (i64.const ${(16n << 32n) | BigInt(length)})))`);
}

Deno.test("http: an error message of 120 MB is cut at 64 KiB", async () => {
  await using served = await serveModule(largeResult("[ERR][0]:", "a".charCodeAt(0)));
  const response = await served.handle(new Request(url));
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "a".repeat(64 * 1024 - "[ERR][0]:".length));
});

Deno.test("http: 120 million header separators are not split", async () => {
  const text = "[BODY]hello[HEADERS]a:b|";
  await using served = await serveModule(largeResult(text, "|".charCodeAt(0)));
  const response = await served.handle(new Request(url));
  assert.equal(response.status, 200);
  // So far from the end, the mark is a part of the body.
  assert.equal((await response.arrayBuffer()).byteLength, 120_000_000 - "[BODY]".length);
});
