import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startCapsule } from "../testing/capsule.ts";

const at = (path: string) => `-wasm=${fileURLToPath(new URL(`../../${path}`, import.meta.url))}`;

/** Sends a GET request over HTTP/2, without a Host header, and returns the body. */
async function getOverHttp2(url: string): Promise<string> {
  using client = Deno.createHttpClient({ http1: false, http2: true });
  const response = await fetch(url, { client });
  return await response.text();
}

Deno.test("http: over HTTP/2 a function's Host is the authority", async () => {
  await using server = await startCapsule([
    "-mode=http",
    at("tests/testdata/go/headers-in/headers-in.wasm"),
  ]);
  const { host } = new URL(server.url);
  const headers = (await getOverHttp2(server.url)).split("\n");
  assert.deepEqual(headers.filter((line) => /^Host:/i.test(line)), [`Host: ${host}`]);
});

Deno.test("http: over HTTP/2 a program's HTTP_HOST and SERVER_NAME are the authority", async () => {
  await using server = await startCapsule(["-mode=http", at("tests/testdata/wasi/cgi.wasm")]);
  const { port } = new URL(server.url);
  const overHttp2 = (await getOverHttp2(`http://localhost:${port}/variables`)).split("\n");
  for (
    const line of [
      `HTTP_HOST=localhost:${port}`,
      "SERVER_NAME=localhost",
      "SERVER_PROTOCOL=HTTP/2.0",
    ]
  ) {
    assert.ok(overHttp2.includes(line), `${line} is not in ${overHttp2}`);
  }
  const overHttp1 = await (await fetch(`http://localhost:${port}/variables`)).text();
  for (
    const line of [
      `HTTP_HOST=localhost:${port}`,
      "SERVER_NAME=localhost",
      "SERVER_PROTOCOL=HTTP/1.1",
    ]
  ) {
    assert.ok(overHttp1.split("\n").includes(line), `${line} is not in ${overHttp1}`);
  }
});
