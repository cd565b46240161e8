import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Allocator, Guest } from "./guest.ts";

const guests = "tests/testdata/go";
const allocators: readonly Allocator[] = ["malloc", "allocateBuffer"];

Deno.test("sdk: the cli handler receives the arguments split at °", async () => {
  for (const allocator of allocators) {
    const guest = await Guest.load("examples/hello-cli/hello.wasm");
    const result = guest.callHandle("👋 hello world 🌍🎃°1234°Bob Morane", allocator);
    strictEqual(result, "The first parameter is: 👋 hello world 🌍🎃");
    deepStrictEqual(guest.log, [
      "- parameter is: 👋 hello world 🌍🎃",
      "- parameter is: 1234",
      "- parameter is: Bob Morane",
    ]);
  }
});

Deno.test("sdk: no arguments are one empty parameter; empty arguments are kept", async () => {
  const guest = await Guest.load(`${guests}/params/params.wasm`);
  strictEqual(guest.callHandle(""), '""');
  strictEqual(guest.callHandle("°a°"), '""\n"a"\n""');
});

Deno.test("sdk: an empty result is an empty string, not the word empty", async () => {
  const guest = await Guest.load(`${guests}/cli-echo/cli-echo.wasm`);
  strictEqual(guest.callHandle(""), "");
  strictEqual(guest.callHandle("é"), "é");
});

Deno.test("sdk: an error of the cli handler becomes [ERR] with code 0", async () => {
  const guest = await Guest.load(`${guests}/cli-error/cli-error.wasm`);
  strictEqual(guest.callHandle("no luck 🍀"), "[ERR][0]:no luck 🍀");
});

Deno.test("sdk: request headers are split at their first colon only", async () => {
  const guest = await Guest.load(`${guests}/headers-in/headers-in.wasm`);
  const result = guest.callHandleHttp("", "Host:localhost:8080|Accept:*/*|Empty:|Message:👋 a:b:c");
  strictEqual(
    result,
    "[BODY]Accept: */*\nEmpty: \nHost: localhost:8080\nMessage: 👋 a:b:c[HEADERS]",
  );
});

Deno.test("sdk: serves a request without headers or with an invalid item", async () => {
  for (const allocator of allocators) {
    const guest = await Guest.load(`${guests}/headers-in/headers-in.wasm`);
    strictEqual(guest.callHandleHttp("", "", allocator), "[BODY][HEADERS]");
    strictEqual(guest.callHandleHttp("", "no colon|A:b||", allocator), "[BODY]A: b[HEADERS]");
  }
});

Deno.test("sdk: a body may contain the separators of the contract", async () => {
  const guest = await Guest.load(`${guests}/echo/echo.wasm`);
  const body = "[BODY]x[HEADERS]a:b";
  strictEqual(
    guest.callHandleHttp(body, ""),
    `[BODY]${body}[HEADERS]Content-Type:application/octet-stream`,
  );
});

Deno.test("sdk: a | in a response header's value cannot start another header", async () => {
  const guest = await Guest.load(`${guests}/headers-out/headers-out.wasm`);
  strictEqual(
    guest.callHandleHttp("Message: a|Evil:b|", ""),
    "[BODY]ok[HEADERS]Message:a%7CEvil:b%7C",
  );
});

Deno.test("sdk: an error of the http handler keeps the handler's headers", async () => {
  const guest = await Guest.load(`${guests}/http-error/http-error.wasm`);
  const result = guest.callHandleHttp("no luck", "");
  match(result, /^\[ERR\]\[0\]:no luck\[HEADERS\]/);
  match(result, /Kept:yes/);
});

Deno.test("sdk: Http passes URL, method, headers and body, empty ones as empty strings", async () => {
  const calls: string[][] = [];
  const guest = await Guest.load(`${guests}/upstream/upstream.wasm`, {
    hostHttp: (...inputs) => {
      calls.push(inputs);
      return "👋";
    },
  });
  strictEqual(guest.callHandleHttp("", "Upstream-Url:http://a/b?c"), "[BODY]👋[HEADERS]");
  guest.callHandleHttp(
    "body é",
    "Upstream-Url:u|Upstream-Method:PUT|Forward-Range:bytes:0-1|Other:x",
  );
  deepStrictEqual(calls, [
    ["http://a/b?c", "GET", "", ""],
    ["u", "PUT", "Range:bytes:0-1", "body é"],
  ]);
});

Deno.test("sdk: an [ERR] result is an error, with its code unless that is 0", async () => {
  const answers = ["[ERR][0]:no such host", "[ERR][7]:refused", "[ERR] is how an error begins", ""];
  const guest = await Guest.load(`${guests}/upstream/upstream.wasm`, {
    hostHttp: () => answers.shift() ?? "",
  });
  strictEqual(guest.callHandleHttp("", "Upstream-Url:u"), "[ERR][0]:no such host[HEADERS]");
  strictEqual(guest.callHandleHttp("", "Upstream-Url:u"), "[ERR][0]:refused (7)[HEADERS]");
  strictEqual(
    guest.callHandleHttp("", "Upstream-Url:u"),
    "[BODY][ERR] is how an error begins[HEADERS]",
  );
  strictEqual(guest.callHandleHttp("", "Upstream-Url:u"), "[BODY][HEADERS]");
});

Deno.test("sdk: GetEnv, ReadFile, WriteFile and CouchBaseQuery return the host's text", async () => {
  const asked: string[] = [];
  const record = (name: string, answer: string) => (...inputs: string[]) => {
    asked.push(`${name}(${inputs.join(", ")})`);
    return answer;
  };
  const functions = {
    hostGetEnv: record("hostGetEnv", "wasm-data"),
    hostReadFile: record("hostReadFile", ""),
    hostWriteFile: record("hostWriteFile", "file created"),
    hostCouchBaseQuery: record("hostCouchBaseQuery", "[]"),
  };
  const files = await Guest.load(`${guests}/files/files.wasm`, functions);
  strictEqual(files.callHandle("read°é.txt"), "");
  strictEqual(files.callHandle("write°a/b.txt°"), "file created");
  const couchbase = await Guest.load("examples/couchbase/couchbase.wasm", functions);
  strictEqual(couchbase.callHandle(""), "[]");
  deepStrictEqual(asked, [
    "hostReadFile(é.txt)",
    "hostWriteFile(a/b.txt, )",
    "hostGetEnv(COUCHBASE_BUCKET)",
    "hostCouchBaseQuery(SELECT * FROM `wasm-data`.data.docs)",
  ]);
});

Deno.test("sdk: Ping and GetHostInformation return the host's text", async () => {
  let count = 0;
  const guest = await Guest.load(`${guests}/ping/ping.wasm`, {
    hostPing: (message) => `🏓 pong: ${message} : ${++count}`,
    hostGetHostInformation: () => '{"httpPort":8080}',
  });
  strictEqual(guest.callHandle("hi"), '🏓 pong: hi : 1\n🏓 pong: hi : 2\n{"httpPort":8080}');
});

Deno.test("sdk: the Redis functions of module capsule decode numbers, lists and booleans", async () => {
  const guest = await Guest.load(`${guests}/redis-commands/redis-commands.wasm`, {
    redisDel: (key) => key === "a" ? "1" : "0",
    redisIncr: (key) => key === "a" ? "9007199254740993" : "[ERR][0]:value is not an integer",
    redisExpire: (key, seconds) => key === "a" && seconds === "60" ? "1" : "0",
    redisKeys: () => ' [ "a" , "é\\n\\u00e9\\ud83d\\udc4b\\"\\/\\\\" ,""] ',
  });
  strictEqual(guest.callHandle("del°a"), "1");
  strictEqual(guest.callHandle("del°b"), "0");
  strictEqual(guest.callHandle("incr°a"), "9007199254740993");
  strictEqual(guest.callHandle("incr°b"), "[ERR][0]:value is not an integer");
  strictEqual(guest.callHandle("expire°a°60"), "true");
  strictEqual(guest.callHandle("expire°b°60"), "false");
  strictEqual(guest.callHandle("keys°*"), 'a\né\né👋"/\\\n');
});

Deno.test("sdk: RedisKeys decodes a list of any length and refuses anything else", async () => {
  let answer = "";
  const guest = await Guest.load(`${guests}/redis-commands/redis-commands.wasm`, {
    redisKeys: () => answer,
  });
  const many = Array.from({ length: 10_000 }, (_, i) => `key:${i}`);
  for (const keys of [[], ["a"], many]) {
    answer = JSON.stringify(keys);
    strictEqual(guest.callHandle("keys°*"), keys.join("\n"));
  }
  for (
    answer of ["", "[", '["a"', '["a",]', '["a"]x', "[1]", '["\\', '["\\u12"]', '"a"', '["a""b"]']
  ) {
    match(
      guest.callHandle("keys°*"),
      /^\[ERR\]\[0\]:redisKeys did not return a JSON array of strings/,
      answer,
    );
  }
});

Deno.test("sdk: a guest that is called repeatedly frees what it no longer needs", async () => {
  for (const allocator of allocators) {
    const guest = await Guest.load(`${guests}/upstream/upstream.wasm`, {
      hostHttp: (...inputs) => inputs[3] ?? "",
    });
    for (let i = 0; i < 300; i++) {
      const body = `${i} é`.repeat(10_000 + i);
      const result = guest.callHandleHttp(body, `Upstream-Url:u|Forward-X:${body}`, allocator);
      strictEqual(result, `[BODY]${body}[HEADERS]`);
    }
    ok(guest.memorySize < 8 * 1024 * 1024, `the guest grew to ${guest.memorySize} bytes`);
  }
});
