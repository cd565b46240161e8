import assert from "node:assert/strict";
import { sha256, type TestRegistry } from "../test_registry.ts";

export const imageType = "application/vnd.oci.image.manifest.v1+json";
export const indexType = "application/vnd.oci.image.index.v1+json";
export const encode = (text: string) => new TextEncoder().encode(text);

/** Pushes a blob in one request. */
export async function pushBlob(
  server: TestRegistry,
  repository: string,
  bytes: Uint8Array<ArrayBuffer>,
  digest = sha256(bytes) as string,
) {
  return await server.call("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    body: bytes,
  });
}

/** Pushes a manifest with these fields. Its blobs must be there; an empty config is pushed too. */
export async function pushManifest(
  server: TestRegistry,
  repository: string,
  reference: string,
  fields: Record<string, unknown>,
) {
  if (fields.config === emptyConfig) {
    await (await pushBlob(server, repository, encode("{}"))).body?.cancel();
  }
  const mediaType = fields.manifests === undefined ? imageType : indexType;
  const body = JSON.stringify({ schemaVersion: 2, mediaType, ...fields });
  const response = await server.call("PUT", `/v2/${repository}/manifests/${reference}`, {
    body,
    headers: { "content-type": mediaType },
  });
  return { response, body, digest: sha256(body) };
}

export const emptyConfig = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: sha256("{}"),
  size: 2,
};

export function layer(bytes: Uint8Array, mediaType: string, title?: string) {
  const annotations = title === undefined ? undefined : { "org.opencontainers.image.title": title };
  return { mediaType, digest: sha256(bytes), size: bytes.length, annotations };
}

export async function codeOf(response: Response): Promise<string> {
  const { errors } = await response.json();
  assert.equal(typeof errors[0].message, "string");
  return `${response.status} ${errors[0].code}`;
}
