import assert from "node:assert/strict";
import {
  bytesOf,
  form,
  pathsBelow,
  sha256,
  sha512,
  type TestRegistry,
  testRegistry,
  wasm,
} from "../test_registry.ts";

const imageType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const encode = (text: string) => new TextEncoder().encode(text);

/** Pushes a blob at once. */
async function pushBlob(
  server: TestRegistry,
  repository: string,
  bytes: Uint8Array<ArrayBuffer>,
  digest = sha256(bytes) as string,
) {
  return await server.call("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
}

/** Pushes a manifest with these layers, whose blobs need not be there. */
async function pushManifest(
  server: TestRegistry,
  repository: string,
  reference: string,
  fields: Record<string, unknown>,
) {
  const mediaType = fields.manifests === undefined ? imageType : indexType;
  const body = JSON.stringify({ schemaVersion: 2, mediaType, ...fields });
  const response = await server.call("PUT", `/v2/${repository}/manifests/${reference}`, {
    body,
    headers: { "content-type": mediaType },
  });
  return { response, body, digest: sha256(body) };
}

const emptyConfig = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256("{}"), size: 2 };

function layer(bytes: Uint8Array, mediaType: string, title?: string) {
  const annotations = title === undefined ? undefined : { "org.opencontainers.image.title": title };
  return { mediaType, digest: sha256(bytes), size: bytes.length, annotations };
}

async function codeOf(response: Response): Promise<string> {
  const { errors } = await response.json();
  assert.equal(typeof errors[0].message, "string");
  return `${response.status} ${errors[0].code}`;
}

Deno.test("a blob at once, in chunks, and with the last chunk in the closing request", async () => {
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

Deno.test("a chunk out of order is refused with where to go on, and harms nothing", async () => {
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

Deno.test("a chunk that is too much is taken back whole", async () => {
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

Deno.test("an upload is written by one request at a time", async () => {
  await using server = await testRegistry();
  const begun = await server.call("POST", "/v2/a/blobs/uploads/");
  const url = begun.headers.get("location") ?? "";
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const slow = server.call("PATCH", url, { body: readable });
  const writer = writable.getWriter();
  await writer.write(Uint8Array.of(1));
  assert.equal(await codeOf(await server.call("PATCH", url, { body: "2" })), "409 BLOB_UPLOAD_INVALID");
  await writer.close();
  assert.equal((await slow).headers.get("range"), "0-0");
  assert.equal((await server.call("DELETE", url)).status, 204);
  assert.equal(await codeOf(await server.call("GET", url)), "404 BLOB_UPLOAD_UNKNOWN");
});

Deno.test("bytes of another digest are refused and kept nowhere", async () => {
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

Deno.test("a blob is mounted from another repository, or sent when it is not there", async () => {
  await using server = await testRegistry();
  const digest = sha256(wasm("x"));
  await pushBlob(server, "from/here", wasm("x"));
  const mount = (query: string) => server.call("POST", `/v2/to/here/blobs/uploads/?mount=${digest}${query}`);
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

Deno.test("tags and repositories in order, n at a time, and a link to the rest", async () => {
  await using server = await testRegistry();
  for (const tag of ["b", "a", "B", "c10", "c9"]) {
    await pushManifest(server, "some/deep/repo", tag, { layers: [] });
  }
  await pushManifest(server, "another", "x", { layers: [] });
  const tags = async (query: string) => {
    const response = await server.call("GET", `/v2/some/deep/repo/tags/list${query}`);
    return { tags: (await response.json()).tags, link: response.headers.get("link") };
  };
  assert.deepEqual(await tags(""), { tags: ["B", "a", "b", "c10", "c9"], link: null });
  assert.deepEqual(await tags("?n=2"), {
    tags: ["B", "a"],
    link: '</v2/some/deep/repo/tags/list?n=2&last=a>; rel="next"',
  });
  assert.deepEqual(await tags("?n=3&last=a"), { tags: ["b", "c10", "c9"], link: null });
  assert.deepEqual(await tags("?last=zzz"), { tags: [], link: null });
  assert.deepEqual((await tags("?n=0")).tags, []);
  const catalog = await server.call("GET", "/v2/_catalog?n=1");
  assert.deepEqual(await catalog.json(), { repositories: ["another"] });
  assert.match(catalog.headers.get("link") ?? "", /last=another/);
});

Deno.test("a tag may move, and is deleted without its manifest; a manifest takes its tags along", async () => {
  await using server = await testRegistry();
  const one = await pushManifest(server, "r", "t", { layers: [], annotations: { v: "1" } });
  const two = await pushManifest(server, "r", "t", { layers: [], annotations: { v: "2" } });
  const got = await server.call("GET", "/v2/r/manifests/t");
  assert.equal(got.headers.get("docker-content-digest"), two.digest);
  assert.equal(got.headers.get("content-type"), imageType);
  assert.equal(await got.text(), two.body);
  const head = await server.call("HEAD", `/v2/r/manifests/${one.digest}`);
  assert.equal(head.headers.get("content-length"), String(one.body.length));

  assert.equal((await server.call("DELETE", "/v2/r/manifests/t")).status, 202);
  assert.equal((await server.call("HEAD", `/v2/r/manifests/${two.digest}`)).status, 200);
  await pushManifest(server, "r", "t2", { layers: [], annotations: { v: "2" } });
  assert.equal((await server.call("DELETE", `/v2/r/manifests/${two.digest}`)).status, 202);
  assert.equal((await server.call("HEAD", "/v2/r/manifests/t2")).status, 404);
  assert.equal((await server.call("HEAD", `/v2/r/manifests/${one.digest}`)).status, 200);
});

Deno.test("referrers: what has a subject, by type, and what older clients keep under a tag", async () => {
  await using server = await testRegistry();
  const subject = await pushManifest(server, "r", "t", { layers: [] });
  const about = { mediaType: imageType, digest: subject.digest, size: subject.body.length };
  const sbom = await pushManifest(server, "r", "sbom", {
    layers: [],
    subject: about,
    artifactType: "application/sbom",
    annotations: { from: "me" },
  });
  assert.equal(sbom.response.headers.get("oci-subject"), subject.digest);
  const signature = await pushManifest(server, "r", "sig", {
    layers: [],
    subject: about,
    config: emptyConfig,
  });
  const old = { mediaType: imageType, digest: sha256("old"), size: 3, artifactType: "application/old" };
  await pushManifest(server, "r", subject.digest.replace(":", "-"), { manifests: [old] });

  const referrers = async (query = "") => {
    const response = await server.call("GET", `/v2/r/referrers/${subject.digest}${query}`);
    assert.equal(response.headers.get("content-type"), indexType);
    const index = await response.json();
    assert.deepEqual([index.schemaVersion, index.mediaType], [2, indexType]);
    return {
      found: index.manifests,
      filters: response.headers.get("oci-filters-applied"),
      link: response.headers.get("link"),
    };
  };
  const all = await referrers();
  assert.deepEqual(all.found.map(({ digest }: { digest: string }) => digest), [
    old.digest,
    sbom.digest,
    signature.digest,
  ]);
  assert.equal(all.filters, null);
  assert.deepEqual(await referrers("?artifactType=application/sbom"), {
    found: [{
      mediaType: imageType,
      digest: sbom.digest,
      size: sbom.body.length,
      annotations: { from: "me" },
      artifactType: "application/sbom",
    }],
    filters: "artifactType",
    link: null,
  });
  const paged = await referrers("?n=2");
  assert.equal(paged.found.length, 2);
  const next = /<(.*)>/.exec(paged.link ?? "")?.[1] ?? "";
  assert.equal((await (await server.call("GET", next)).json()).manifests.length, 1);
  const none = await server.call("GET", `/v2/unknown/referrers/${sha256("x")}`);
  assert.deepEqual((await none.json()).manifests, []);
});

Deno.test("failures have the protocol's codes", async () => {
  await using server = await testRegistry({ maxUpload: 1000 });
  await pushManifest(server, "r", "t", { layers: [] });
  const some = sha256("some");
  const rows: [string, string, RequestInit, string][] = [
    ["GET", `/v2/r/blobs/${some}`, {}, "404 BLOB_UNKNOWN"],
    ["GET", "/v2/r/blobs/sha256:short", {}, "400 DIGEST_INVALID"],
    ["GET", `/v2/r/blobs/md5:${"0".repeat(32)}`, {}, "400 DIGEST_INVALID"],
    ["DELETE", `/v2/r/blobs/${some}`, {}, "404 BLOB_UNKNOWN"],
    ["GET", "/v2/none/manifests/t", {}, "404 NAME_UNKNOWN"],
    ["GET", "/v2/none/tags/list", {}, "404 NAME_UNKNOWN"],
    ["GET", "/v2/r/manifests/none", {}, "404 MANIFEST_UNKNOWN"],
    ["GET", `/v2/r/manifests/${some}`, {}, "404 MANIFEST_UNKNOWN"],
    ["DELETE", "/v2/r/manifests/none", {}, "404 MANIFEST_UNKNOWN"],
    ["GET", "/v2/R/manifests/t", {}, "400 NAME_INVALID"],
    ["GET", `/v2/${"a".repeat(256)}/manifests/t`, {}, "400 NAME_INVALID"],
    ["PUT", "/v2/r/manifests/t", { body: "{" }, "400 MANIFEST_INVALID"],
    ["PUT", "/v2/r/manifests/t", { body: "[]" }, "400 MANIFEST_INVALID"],
    ["PUT", "/v2/r/manifests/t", { body: '{"schemaVersion":2,"layers":[{}]}' }, "400 MANIFEST_INVALID"],
    [
      "PUT",
      "/v2/r/manifests/t",
      { body: `{"schemaVersion":2,"mediaType":"${imageType}"}`, headers: { "content-type": indexType } },
      "400 MANIFEST_INVALID",
    ],
    [
      "PUT",
      "/v2/r/manifests/t",
      { body: encode('{"schemaVersion":2,"mediaType":"a/\\u0001"}') },
      "400 MANIFEST_INVALID",
    ],
    [
      "PUT",
      "/v2/r/manifests/t",
      { body: encode('{"schemaVersion":2,"mediaType":"☹"}') },
      "400 MANIFEST_INVALID",
    ],
    ["PUT", `/v2/r/manifests/${some}`, { body: '{"schemaVersion":2}' }, "400 DIGEST_INVALID"],
    ["PUT", "/v2/r/manifests/.t", { body: '{"schemaVersion":2}' }, "400 MANIFEST_INVALID"],
    ["PUT", "/v2/r/manifests/t", { body: " ".repeat(5 * 1024 * 1024) }, "413 SIZE_INVALID"],
    ["POST", `/v2/r/blobs/uploads/?digest=${some}`, { body: new Uint8Array(1001) }, "413 SIZE_INVALID"],
    ["PATCH", "/v2/r/blobs/uploads/none", { body: "x" }, "404 BLOB_UPLOAD_UNKNOWN"],
    ["GET", "/v2/r/tags/list?n=x", {}, "400 PAGINATION_NUMBER_INVALID"],
    ["GET", "/v2/r/manifests/%E0%A4%A", {}, "404 MANIFEST_UNKNOWN"],
    ["GET", `/v2/r/blobs/${some.replace(":", "%3A")}`, {}, "404 BLOB_UNKNOWN"],
    ["POST", "/v2/r/manifests/t", { body: "x" }, "405 UNSUPPORTED"],
    ["GET", "/v2/r/other/t", {}, "404 UNSUPPORTED"],
  ];
  for (const [method, path, init, code] of rows) {
    assert.equal(await codeOf(await server.call(method, path, init)), code, `${method} ${path}`);
  }
});

Deno.test("a module uploaded by curl has a manifest, and one pushed as an artifact has its file", async () => {
  await using server = await testRegistry();
  const module = wasm("hola");
  await (await server.call("POST", "/upload/k33g/hola/1", { body: form(module, "text") })).body?.cancel();
  const manifest = await (await server.call("GET", "/v2/k33g/hola/manifests/1")).json();
  assert.equal(manifest.config.mediaType, "application/vnd.wasm.config.v0+json");
  assert.deepEqual(manifest.layers, [layer(module, "application/wasm", "hola.wasm")]);
  assert.equal(manifest.annotations["org.opencontainers.image.description"], "text");
  const config = await (await server.call("GET", `/v2/k33g/hola/blobs/${manifest.config.digest}`)).json();
  assert.deepEqual(config.layerDigests, [sha256(module)]);

  for (
    const [tag, type, title] of [["1", "application/wasm", undefined], [
      "2",
      "application/octet-stream",
      "x.wasm",
    ]] as const
  ) {
    const pushed = wasm(`pushed ${tag}`);
    await pushBlob(server, "bob/hey", pushed);
    await pushManifest(server, "bob/hey", tag, {
      config: emptyConfig,
      layers: [layer(pushed, type, title)],
      annotations: { "org.opencontainers.image.description": "a\ntext" },
    });
    assert.deepEqual(await bytesOf(await server.call("GET", `/bob/hey/${tag}/hey.wasm`)), pushed);
    assert.deepEqual(await Deno.readFile(`${server.files}/bob/hey/${tag}/hey.wasm`), pushed);
    assert.equal(await Deno.readTextFile(`${server.files}/bob/hey/${tag}/hey.info`), "a text\n");
  }
});

Deno.test("a container image with one .wasm in its layers is a module too", async () => {
  await using server = await testRegistry();
  const module = wasm("in an archive", 2000);
  const files: [string, Uint8Array][] = [["etc/readme.txt", encode("read me")], ["app/main.wasm", module]];
  const packed = tar(files);
  const gzip = await bytesOf(
    new Response(new Blob([packed]).stream().pipeThrough(new CompressionStream("gzip"))),
  );
  for (
    const [tag, bytes, suffix] of [["plain", packed, ""], ["packed", new Uint8Array(gzip), "+gzip"]] as const
  ) {
    await pushBlob(server, "k33g/image", bytes);
    const type = `application/vnd.oci.image.layer.v1.tar${suffix}`;
    await pushManifest(server, "k33g/image", tag, { config: emptyConfig, layers: [layer(bytes, type)] });
    assert.deepEqual(await bytesOf(await server.call("GET", `/k33g/image/${tag}/image.wasm`)), module);
  }
  // What was unpacked is named by no manifest, and stays all the same.
  assert.equal(await server.registry.store.blobs.collectGarbage(Date.now() + 100 * 24 * 3_600_000), 0);
  const two = tar([...files, ["other.wasm", module]]);
  await pushBlob(server, "k33g/image", two);
  const layers = [layer(two, "application/vnd.oci.image.layer.v1.tar")];
  await pushManifest(server, "k33g/image", "two", { layers });
  assert.equal((await server.call("GET", "/k33g/image/two/image.wasm")).status, 404);
});

Deno.test("a tag that moves to something else takes its module along; deeper repositories are listed only", async () => {
  await using server = await testRegistry();
  const module = wasm("m");
  for (const repository of ["k33g/hola", "a/b/c", "alone"]) {
    await pushBlob(server, repository, module);
    await pushManifest(server, repository, "1", { layers: [layer(module, "application/wasm")] });
  }
  assert.deepEqual(await pathsBelow(server.files), ["k33g/hola/1/hola.info", "k33g/hola/1/hola.wasm"]);
  const list = await (await server.call("GET", "/modules")).json();
  assert.deepEqual(
    list.map(({ user, module, path }: Record<string, string | null>) => [user, module, path]),
    [["a/b", "c", null], ["", "alone", null], ["k33g", "hola", `${server.files}/k33g/hola/1/hola.wasm`]],
  );
  await pushManifest(server, "k33g/hola", "1", { layers: [] });
  assert.equal((await server.call("GET", "/k33g/hola/1/hola.wasm")).status, 404);
  assert.deepEqual(await pathsBelow(server.files), []);
});

/** A tar archive of these files. */
function tar(files: readonly [string, Uint8Array][]): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [name, bytes] of files) {
    const header = new Uint8Array(512);
    header.set(encode(name), 0);
    header.set(encode(`${bytes.length.toString(8).padStart(11, "0")}\0`), 124);
    header[156] = 0x30;
    header.set(encode("ustar\x0000"), 257);
    const content = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    content.set(bytes);
    blocks.push(header, content);
  }
  blocks.push(new Uint8Array(1024));
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
