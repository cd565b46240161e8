import assert from "node:assert/strict";
import { form, testRegistry, wasm } from "./registry_for_test.ts";

const basic = (password: string) => `Basic ${btoa(`anybody:${password}`)}`;

/** Requests that change something, and requests that read. */
const writes: [string, string][] = [
  ["POST", "/upload/k33g/hola/2"],
  ["DELETE", "/k33g/hola/1"],
  ["POST", "/v2/k33g/hola/blobs/uploads/"],
  ["PUT", "/v2/k33g/hola/manifests/x"],
];
const reads: [string, string][] = [
  ["GET", "/modules"],
  ["GET", "/"],
  ["GET", "/k33g/hola/1/hola.wasm"],
  ["HEAD", "/v2/k33g/hola/manifests/1"],
  ["GET", "/v2/"],
];

Deno.test("with an admin token, writing needs it and reading does not", async () => {
  await using server = await testRegistry({ adminToken: "s3cret" });
  const upload = await server.call("POST", "/upload/k33g/hola/1", {
    body: form(wasm()),
    headers: { authorization: "Bearer s3cret" },
  });
  assert.equal(upload.status, 200);
  await upload.body?.cancel();
  for (const [method, path] of writes) {
    for (const authorization of ["", "Bearer wrong", basic("wrong")]) {
      const response = await server.call(method, path, { headers: { authorization } });
      assert.equal(response.status, 401, `${method} ${path}`);
      assert.equal(response.headers.get("www-authenticate"), 'Basic realm="capsule", charset="UTF-8"');
      const body = await response.json();
      assert.equal(path.startsWith("/v2/") ? body.errors[0].code : body.code, "UNAUTHORIZED");
    }
    const allowed = await server.call(method, path, { headers: { authorization: basic("s3cret") } });
    assert.notEqual(allowed.status, 401);
    await allowed.body?.cancel();
  }
  // The list of writes removed it.
  for (const [method, path] of reads.filter(([, path]) => !path.includes("hola"))) {
    const response = await server.call(method, path);
    assert.equal(response.status, 200, `${method} ${path}`);
    await response.body?.cancel();
  }
});

Deno.test("OCI clients learn at /v2/ how to show the token, and whether theirs is right", async () => {
  await using server = await testRegistry({ adminToken: "s3cret" });
  const anonymous = await server.call("GET", "/v2/");
  assert.equal(anonymous.status, 200);
  assert.match(anonymous.headers.get("www-authenticate") ?? "", /^Basic /);
  const right = await server.call("GET", "/v2/", { headers: { authorization: basic("s3cret") } });
  const wrong = await server.call("GET", "/v2/", { headers: { authorization: basic("no") } });
  assert.deepEqual([right.status, wrong.status], [200, 401]);
  for (const { body } of [anonymous, right, wrong]) await body?.cancel();
});

Deno.test("with a read token, reading needs it or the admin's, and health does not", async () => {
  await using server = await testRegistry({ adminToken: "s3cret", readToken: "r3ad" });
  const upload = await server.call("POST", "/upload/k33g/hola/1", {
    body: form(wasm()),
    headers: { authorization: "Bearer s3cret" },
  });
  await upload.body?.cancel();
  for (const [method, path] of reads) {
    for (
      const [authorization, status] of [["", 401], [basic("no"), 401], [basic("r3ad"), 200], [
        "Bearer s3cret",
        200,
      ]] as const
    ) {
      const response = await server.call(method, path, { headers: { authorization } });
      assert.equal(response.status, status, `${method} ${path} ${authorization}`);
      await response.body?.cancel();
    }
  }
  const write = await server.call("DELETE", "/k33g/hola/1", { headers: { authorization: "Bearer r3ad" } });
  assert.equal(write.status, 401);
  await write.body?.cancel();
  assert.equal(await (await server.call("GET", "/health")).text(), "OK");
});

Deno.test("without a token, no web page and no guest writes", async () => {
  await using server = await testRegistry();
  for (
    const headers of [{ origin: "https://evil.example" }, { host: "evil.example" }, { "capsule-guest": "1" }]
  ) {
    for (const [method, path] of writes) {
      const response = await server.call(method, path, { headers: new Headers(Object.entries(headers)) });
      assert.equal(response.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
      await response.body?.cancel();
    }
  }
});
