import assert from "node:assert/strict";
import { mediaTypes, parseManifest } from "../../src/oci/manifest.ts";

const digest = `sha256:${"a".repeat(64)}`;
const descriptor = { mediaType: "application/wasm", digest, size: 3 };

function parse(fields: unknown, contentType?: string) {
  const json = typeof fields === "object" && fields !== null && !Array.isArray(fields)
    ? { schemaVersion: 2, ...fields }
    : fields;
  return parseManifest(new TextEncoder().encode(JSON.stringify(json)), contentType);
}

Deno.test("parseManifest: reads an image, an index and an artifact", () => {
  const image = parse({
    config: descriptor,
    layers: [{ ...descriptor, annotations: { "größe": "👋", number: 1 } }],
    subject: descriptor,
    annotations: null,
  });
  assert.equal(image.mediaType, mediaTypes.image);
  assert.deepEqual(image.layers?.[0]?.annotations, { "größe": "👋" });
  assert.deepEqual([image.subject, image.artifactType], [digest, descriptor.mediaType]);
  assert.equal(image.manifests, undefined);

  const index = parse({
    manifests: [{ ...descriptor, platform: { architecture: "wasm", os: "wasip1" } }],
  });
  assert.equal(index.mediaType, mediaTypes.index);
  assert.deepEqual(index.manifests?.[0]?.platform, { architecture: "wasm", os: "wasip1" });
  assert.equal(index.layers, undefined);

  const artifact = parse({ blobs: [descriptor], artifactType: "application/x" }, "a/b; charset=x");
  assert.deepEqual([artifact.mediaType, artifact.artifactType], ["a/b", "application/x"]);
  assert.equal(artifact.blobs.length, 1);
});

Deno.test("parseManifest: names the field that is invalid", () => {
  const rows: [unknown, RegExp][] = [
    ["text", /a manifest is a JSON object/],
    [[], /a manifest is a JSON object/],
    [{ schemaVersion: 1 }, /"schemaVersion" of a manifest is 2/],
    [{ mediaType: 1 }, /"mediaType" is a text/],
    [{ mediaType: "a\nb/c" }, /a media type is two names/],
    [{ mediaType: `a/${"b".repeat(128)}` }, /two names of up to 127 characters each/],
    [{ layers: {} }, /"layers" is a list/],
    [{ layers: [1] }, /"layers\[0\]" is a descriptor/],
    [{ config: { ...descriptor, digest: "sha256:1" } }, /"config.digest" is sha256: or sha512:/],
    [{ manifests: [descriptor, { ...descriptor, size: -1 }] }, /"manifests\[1\].size" is a number/],
    [{ subject: { ...descriptor, mediaType: undefined } }, /"subject.mediaType" is a text/],
  ];
  for (const [fields, message] of rows) {
    assert.throws(() => parse(fields), { code: "MANIFEST_INVALID", message });
  }
  const bytes = Uint8Array.of(0xff);
  assert.throws(() => parseManifest(bytes), { message: /a manifest is JSON in UTF-8/ });
  const twoTypes = () => parse({ mediaType: "a/b" }, "c/d");
  assert.throws(twoTypes, { message: /"mediaType" is a\/b, but Content-Type is c\/d/ });
});
