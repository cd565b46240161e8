import assert from "node:assert/strict";
import { bytesOf, pathsBelow, sha256, sha512, testRegistry, wasm } from "../test_registry.ts";
import { codeOf, pushBlob } from "./requests.ts";

Deno.test("OCI uploads: take a blob in one request, in chunks, or with the last chunk in PUT", async () => {
  await using server = await testRegistry();
  const bytes = wasm("blob", 3000);
  const at = (response: Response) => response.headers.get("location") ?? "";
  const once = await pushBlob(server, "a/b/c", bytes);
  assert.equal(once.status, 201);
  assert.equal(at(once), `/v2/a/b/c/blobs/${sha256(bytes)}`);
  assert.deepEqual(await bytesOf(await server.call("GET", at(once))), bytes);

  for (const last of ["PATCH", "PUT"]) {
    const digest = sha512(bytes);
    const begun = await server.call("POST", `/v2/x/${last.toLowerCase()}/blobs/uploads/`);
    assert.equal(begun.status, 202);
    const chunk = (method: string, url: string, start: number, end: number) =>
      server.call(method, url, {
        body: bytes.slice(start, end),
        headers: { "content-range": `${start}-${end - 1}`, "content-length": String(end - start) },
      });
    const first = await chunk("PATCH", at(begun), 0, 1000);
    assert.equal(first.status, 202);
    assert.equal(first.headers.get("range"), "0-999");
    const done = last === "PUT"
      ? await chunk("PUT", `${at(first)}?digest=${digest}`, 1000, bytes.length)
      : await server.call(
        "PUT",
        `${at(await chunk("PATCH", at(first), 1000, bytes.length))}?digest=${digest}`,
      );
    assert.equal(done.status, 201);
    assert.equal(done.headers.get("docker-content-digest"), digest);
    assert.deepEqual(await bytesOf(await server.call("GET", at(done))), bytes);
    assert.equal((await server.call("GET", at(first))).status, 404);
  }
});

Deno.test("OCI uploads: refuse a chunk out of order, with the next position", async () => {
  await using server = await testRegistry();
  const bytes = wasm("blob", 300);
  const begun = await server.call("POST", "/v2/a/blobs/uploads/");
  const url = begun.headers.get("location") ?? "";
  const chunk = (start: number, end: number, range = `${start}-${end - 1}`, length = end - start) =>
    server.call("PATCH", url, {
      body: bytes.slice(start, end),
      headers: { "content-range": range, "content-length": String(length) },
    });
  assert.equal((await chunk(0, 100)).status, 202);
  for (const [start, end] of [[0, 100], [101, 200], [99, 200]] as const) {
    const refused = await chunk(start, end);
    assert.equal(refused.status, 416);
    assert.equal(refused.headers.get("range"), "0-99");
    assert.equal(refused.headers.get("location"), url);
  }
  assert.equal(await codeOf(await chunk(100, 200, "100-150", 51)), "400 SIZE_INVALID");
  assert.equal(await codeOf(await chunk(100, 200, "100-150")), "400 SIZE_INVALID");
  assert.equal(await codeOf(await chunk(100, 200, "a-b")), "400 BLOB_UPLOAD_INVALID");
  const status = await server.call("GET", url);
  assert.equal(status.status, 204);
  assert.equal(status.headers.get("range"), "0-99");
  assert.equal((await chunk(100, bytes.length)).status, 202);
  const done = await server.call("PUT", `${url}?digest=${sha256(bytes)}`);
  assert.equal(done.status, 201);
});

Deno.test("OCI uploads: drop a chunk that exceeds the limit whole", async () => {
  await using server = await testRegistry({ maxUpload: 1000 });
  const bytes = wasm("limit", 900);
  const begun = await server.call("POST", "/v2/a/blobs/uploads/");
  const url = begun.headers.get("location") ?? "";
  const patch = (body: BodyInit) => server.call("PATCH", url, { body });
  assert.equal((await patch(bytes.slice(0, 500))).status, 202);
  const pieces = [new Uint8Array(400), new Uint8Array(400)];
  assert.equal(await codeOf(await patch(ReadableStream.from(pieces))), "413 SIZE_INVALID");
  assert.equal((await patch(bytes.slice(500))).status, 202);
  assert.equal((await server.call("PUT", `${url}?digest=${sha256(bytes)}`)).status, 201);
});

Deno.test("OCI uploads: refuse a second request that writes to a session", async () => {
  await using server = await testRegistry();
  const begun = await server.call("POST", "/v2/a/blobs/uploads/");
  const url = begun.headers.get("location") ?? "";
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const slow = server.call("PATCH", url, { body: readable });
  const writer = writable.getWriter();
  await writer.write(Uint8Array.of(1));
  assert.equal(
    await codeOf(await server.call("PATCH", url, { body: "2" })),
    "409 BLOB_UPLOAD_INVALID",
  );
  await writer.close();
  assert.equal((await slow).headers.get("range"), "0-0");
  assert.equal((await server.call("DELETE", url)).status, 204);
  assert.equal(await codeOf(await server.call("GET", url)), "404 BLOB_UPLOAD_UNKNOWN");
});

Deno.test("OCI uploads: refuse bytes of another digest, and keep nothing of them", async () => {
  await using server = await testRegistry();
  const wrong = sha256("other");
  assert.equal(await codeOf(await pushBlob(server, "a", wasm("x"), wrong)), "400 DIGEST_INVALID");
  const begun = await server.call("POST", "/v2/a/blobs/uploads/");
  const done = await server.call("PUT", `${begun.headers.get("location")}?digest=${wrong}`, {
    body: wasm("x"),
  });
  assert.equal(await codeOf(done), "400 DIGEST_INVALID");
  assert.deepEqual(await pathsBelow(`${server.files}/.capsule/tmp`), []);
  assert.deepEqual(await pathsBelow(`${server.files}/.capsule/blobs`), []);
});

Deno.test("OCI uploads: mount a blob of another repository, or begin an upload", async () => {
  await using server = await testRegistry();
  const digest = sha256(wasm("x"));
  await pushBlob(server, "from/here", wasm("x"));
  const mount = (query: string) =>
    server.call("POST", `/v2/to/here/blobs/uploads/?mount=${digest}${query}`);
  assert.equal((await server.call("HEAD", `/v2/to/here/blobs/${digest}`)).status, 404);
  assert.equal((await mount("&from=not/here")).status, 202);
  const mounted = await mount("&from=from/here");
  assert.equal(mounted.status, 201);
  assert.equal((await server.call("HEAD", mounted.headers.get("location") ?? "")).status, 200);
  assert.equal((await server.call("DELETE", `/v2/to/here/blobs/${digest}`)).status, 202);
  assert.equal((await server.call("HEAD", `/v2/to/here/blobs/${digest}`)).status, 404);
  assert.equal((await server.call("HEAD", `/v2/from/here/blobs/${digest}`)).status, 200);
  assert.equal((await mount("")).status, 201);
});
