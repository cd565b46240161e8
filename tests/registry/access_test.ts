import assert from "node:assert/strict";
import { form, testRegistry, wasm } from "./test_registry.ts";

const basic = (password: string) => `Basic ${btoa(`anybody:${password}`)}`;

/** Requests that write, and requests that read. */
const writes: [string, string][] = [
  ["POST", "/upload/k33g/hola/2"],
  ["DELETE", "/k33g/hola/1"],
  ["POST", "/v2/k33g/hola/blobs/uploads/"],
  ["PUT", "/v2/k33g/hola/manifests/x"],
  ["DELETE", "/v2/k33g/hola/manifests/x"],
];
const reads: [string, string][] = [
  ["GET", "/modules"],
  ["GET", "/"],
  ["GET", "/k33g/hola/1/hola.wasm"],
  ["HEAD", "/v2/k33g/hola/manifests/1"],
  ["GET", "/v2/"],
];

Deno.test("access: an admin token is needed for writing, not for reading", async () => {
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
      const scope = `repository:k33g/hola:${method === "DELETE" ? "delete" : "pull,push"}`;
      assert.equal(
        response.headers.get("www-authenticate"),
        path.startsWith("/v2/")
          ? `Bearer realm="http://localhost:4999/v2/token",service="localhost:4999",scope="${scope}"`
          : 'Basic realm="capsule", charset="UTF-8"',
      );
      const body = await response.json();
      assert.equal(path.startsWith("/v2/") ? body.errors[0].code : body.code, "UNAUTHORIZED");
    }
    const allowed = await server.call(method, path, {
      headers: { authorization: basic("s3cret") },
    });
    assert.notEqual(allowed.status, 401);
    await allowed.body?.cancel();
  }
  // A DELETE among the writes removed it.
  for (const [method, path] of reads.filter(([, path]) => !/hola|^\/v2\/$/.test(path))) {
    const response = await server.call(method, path);
    assert.equal(response.status, 200, `${method} ${path}`);
    await response.body?.cancel();
  }
});

Deno.test("access: with open reading, OCI clients are sent to the token endpoint", async () => {
  await using server = await testRegistry({ adminToken: "s3cret" });
  const ping = async (authorization?: string, more: Record<string, string> = {}) => {
    const headers = { ...(authorization === undefined ? {} : { authorization }), ...more };
    const response = await server.call("GET", "/v2/", { headers });
    await response.body?.cancel();
    return response;
  };
  const token = (authorization?: string) =>
    server.call("GET", "/v2/token?service=x&scope=repository:k33g/hola:pull,push", {
      headers: authorization === undefined ? {} : { authorization },
    });
  const challenge = 'Bearer realm="http://localhost:4999/v2/token",service="localhost:4999"';
  assert.equal((await ping()).status, 401);
  assert.equal((await ping()).headers.get("www-authenticate"), challenge);
  // Behind a proxy that terminates TLS, the password must not be sent in the clear.
  const behind = (await ping(undefined, { "x-forwarded-proto": "https" })).headers.get(
    "www-authenticate",
  );
  assert.equal(behind, challenge.replace("http:", "https:"));
  assert.deepEqual([(await ping(basic("s3cret"))).status, (await ping(basic("no"))).status], [
    200,
    401,
  ]);

  const mine = await token(basic("s3cret"));
  assert.equal(mine.headers.get("cache-control"), "no-store");
  const admin = `Bearer ${(await mine.json()).token}`;
  const anybody = `Bearer ${(await (await token()).json()).token}`;
  const wrong = await token(basic("no"));
  assert.equal(wrong.status, 401);
  assert.equal((await wrong.json()).errors[0].message, "the password is not the registry's token");
  for (const [authorization, writes] of [[admin, 202], [anybody, 401]] as const) {
    assert.equal((await ping(authorization)).status, 200);
    const response = await server.call("POST", "/v2/k33g/hola/blobs/uploads/", {
      headers: { authorization },
    });
    await response.body?.cancel();
    assert.equal(response.status, writes);
  }
});

Deno.test("access: with a read token, OCI clients are challenged for a password", async () => {
  await using server = await testRegistry({ adminToken: "s3cret", readToken: "r3ad" });
  const ping = await server.call("GET", "/v2/");
  await ping.body?.cancel();
  assert.equal(ping.status, 401);
  assert.equal(ping.headers.get("www-authenticate"), 'Basic realm="capsule", charset="UTF-8"');
  const token = await server.call("GET", "/v2/token", {
    headers: { authorization: basic("r3ad") },
  });
  await token.body?.cancel();
  assert.equal(token.status, 404);
});

Deno.test("access: reading needs the read token or the admin's, health needs none", async () => {
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
  const write = await server.call("DELETE", "/k33g/hola/1", {
    headers: { authorization: "Bearer r3ad" },
  });
  assert.equal(write.status, 401);
  await write.body?.cancel();
  assert.equal(await (await server.call("GET", "/health")).text(), "OK");
});

Deno.test("access: without a token, neither web pages nor guests write", async () => {
  await using server = await testRegistry();
  for (
    const headers of [{ origin: "https://evil.example" }, { host: "evil.example" }, {
      "capsule-guest": "1",
    }]
  ) {
    for (const [method, path] of writes) {
      const response = await server.call(method, path, {
        headers: new Headers(Object.entries(headers)),
      });
      assert.equal(response.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
      await response.body?.cancel();
    }
  }
});
