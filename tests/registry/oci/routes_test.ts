import assert from "node:assert/strict";
import { sha256, testRegistry } from "../test_registry.ts";
import {
  codeOf,
  emptyConfig,
  encode,
  imageType,
  indexType,
  layer,
  pushBlob,
  pushManifest,
} from "./requests.ts";

Deno.test("OCI lists: tags and repositories are sorted and paged with a Link", async () => {
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

Deno.test("OCI tags: move, are deleted alone, and are deleted with their manifest", async () => {
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

Deno.test("referrers: lists subjects and the fallback index, by type and in pages", async () => {
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
  const old = {
    mediaType: imageType,
    digest: sha256("old"),
    size: 3,
    artifactType: "application/old",
  };
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
  const digests = [old.digest, sbom.digest, signature.digest].sort();
  const digestsOf = (found: { digest: string }[]) => found.map(({ digest }) => digest);
  assert.deepEqual(digestsOf(all.found), digests);
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
  assert.deepEqual(digestsOf(paged.found), digests.slice(0, 2));
  const next = /<(.*)>/.exec(paged.link ?? "")?.[1] ?? "";
  const last = await server.call("GET", next);
  assert.deepEqual(digestsOf((await last.json()).manifests), digests.slice(2));
  assert.equal(last.headers.get("link"), null);
  const none = await server.call("GET", `/v2/unknown/referrers/${sha256("x")}`);
  assert.deepEqual((await none.json()).manifests, []);
});

Deno.test("referrers: a page has up to 4 MiB, whatever the annotations of the manifests", async () => {
  await using server = await testRegistry();
  const subject = { mediaType: imageType, digest: sha256("subject"), size: 7 };
  for (const tag of ["a", "b", "c"]) {
    const annotations = { tag, text: "x".repeat(1_800_000) };
    await pushManifest(server, "r", tag, { layers: [], subject, annotations });
  }
  const sizes: number[] = [];
  const tags: string[] = [];
  for (let next = `/v2/r/referrers/${subject.digest}`; next !== "";) {
    const response = await server.call("GET", next);
    const text = await response.text();
    sizes.push(text.length);
    for (const { annotations } of JSON.parse(text).manifests) tags.push(annotations.tag);
    next = /<(.*)>/.exec(response.headers.get("link") ?? "")?.[1] ?? "";
  }
  assert.deepEqual(tags.sort(), ["a", "b", "c"]);
  assert(sizes.length === 2 && sizes.every((size) => size < 4 * 1024 * 1024), sizes.join());
});

Deno.test("PUT manifest: refuses an image whose blobs are missing, and takes a sparse index", async () => {
  await using server = await testRegistry();
  const blob = layer(encode("blob"), "application/octet-stream");
  const missing = layer(encode("missing"), "application/octet-stream");
  await pushBlob(server, "r", encode("blob"));
  await pushBlob(server, "other", encode("missing"));
  const put = async (repository: string, fields: Record<string, unknown>) => {
    const { response } = await pushManifest(server, repository, "t", fields);
    return response.status === 201 ? "201" : await codeOf(response);
  };
  const refused: Record<string, unknown>[] = [
    { layers: [blob, missing] },
    { layers: [blob], config: missing },
    { layers: [], blobs: [missing] },
  ];
  for (const fields of refused) {
    assert.equal(await put("r", fields), "400 MANIFEST_BLOB_UNKNOWN", JSON.stringify(fields));
    assert.equal((await server.call("HEAD", "/v2/r/manifests/t")).status, 404);
  }
  const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
  const accepted: Record<string, unknown>[] = [
    { layers: [blob], config: emptyConfig },
    { layers: [blob], subject: { ...missing, mediaType: imageType } },
    { layers: [{ ...missing, mediaType: foreign, urls: ["https://x"] }] },
    { manifests: [{ ...missing, mediaType: imageType }] },
  ];
  for (const fields of accepted) {
    assert.equal(await put("r", fields), "201", JSON.stringify(fields));
  }
  assert.equal(await put("other", { layers: [missing] }), "201");
});

Deno.test("OCI errors: have the protocol's codes", async () => {
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
    [
      "PUT",
      "/v2/r/manifests/t",
      { body: '{"schemaVersion":2,"layers":[{}]}' },
      "400 MANIFEST_INVALID",
    ],
    [
      "PUT",
      "/v2/r/manifests/t",
      {
        body: `{"schemaVersion":2,"mediaType":"${imageType}"}`,
        headers: { "content-type": indexType },
      },
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
    [
      "POST",
      `/v2/r/blobs/uploads/?digest=${some}`,
      { body: new Uint8Array(1001) },
      "413 SIZE_INVALID",
    ],
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
