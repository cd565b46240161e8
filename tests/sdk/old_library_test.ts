import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import wabt from "wabt";
import { Guest } from "./guest.ts";

const text = new URL("../testdata/old-library.wat", import.meta.url);
const path = "tests/testdata/old-library.wasm";

Deno.test("old library: old-library.wasm is built from its text", async () => {
  const { parseWat } = await wabt();
  const parsed = parseWat("old-library.wat", await Deno.readTextFile(text), { bulk_memory: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  deepStrictEqual(
    new Uint8Array(buffer),
    await Deno.readFile(new URL(`../../${path}`, import.meta.url)),
  );
});

Deno.test("old library: sends the word empty for an empty result", async () => {
  const guest = await Guest.load(path);
  strictEqual(guest.callHandle(""), "empty");
  strictEqual(guest.callHandle("a°é"), "a°é");
  strictEqual(guest.callHandleHttp("", "A:b"), "[BODY]empty[HEADERS]empty");
});

Deno.test("old library: keeps a header's second part and traps on an invalid one", async () => {
  const guest = await Guest.load(path);
  const result = guest.callHandleHttp("é", "Host:localhost:8080|Accept:*/*|X:");
  strictEqual(result, "[BODY]é\nlocalhost\n*/*\n[HEADERS]Content-Type:text/plain");
  strictEqual(
    (await Guest.load(path)).callHandleHttp("x".repeat(500_000), "A:b").length,
    500_000 + 40,
  );
  for (const headers of ["", "no colon", "A:b|no colon"]) {
    const fresh = await Guest.load(path);
    throws(() => fresh.callHandleHttp("", headers), WebAssembly.RuntimeError, headers);
  }
});

Deno.test("old library: calls Http with the word empty", async () => {
  const asked: string[][] = [];
  const guest = await Guest.load(path, {
    hostHttp: (...inputs) => {
      asked.push(inputs);
      return "answer";
    },
  });
  strictEqual(
    guest.callHandleHttp("http://a/", "A:b"),
    "[BODY]answer\nb[HEADERS]Content-Type:text/plain",
  );
  deepStrictEqual(asked, [["http://a/", "GET", "empty", "empty"]]);
});

Deno.test("old library: modules built with TinyGo 0.27 work as those of the current one", async () => {
  const cli = await Guest.load("tests/testdata/tinygo-0.27/hello-cli.wasm");
  strictEqual(cli.callHandle("👋°b"), "The first parameter is: 👋");
  const http = await Guest.load("tests/testdata/tinygo-0.27/hello-http.wasm", {
    hostGetEnv: () => "🖐",
  });
  match(http.callHandleHttp("", "A:b"), /^\[BODY\]\{"message": "hey people!"\}\[HEADERS\]/);
  const counter = await Guest.load("tests/testdata/tinygo-0.27/counter.wasm");
  strictEqual(counter.callHandleHttp("", "A:b"), "[BODY]1[HEADERS]");
  strictEqual(counter.callHandleHttp("", "A:b"), "[BODY]2[HEADERS]");
});
