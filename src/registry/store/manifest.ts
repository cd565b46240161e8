import { isObject } from "../../base/json.ts";
import { HttpError } from "../../server/http_error.ts";
import { type Digest, parseDigest } from "./digest.ts";

export const mediaTypes = {
  image: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  wasmConfig: "application/vnd.wasm.config.v0+json",
  wasm: "application/wasm",
} as const;

/** Something that a manifest names. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  annotations?: Record<string, string>;
  artifactType?: string;
}

/** What the registry needs to know of a manifest. */
export interface ManifestFacts {
  mediaType: string;
  /** Everything that it names: config, layers, manifests. */
  references: Digest[];
  layers: Descriptor[];
  /** What it is about, such as the image that it signs. */
  subject?: Digest;
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** @see RFC 6838, 4.2 */
const isMediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/**
 * Reads a manifest or an index. Fields that nobody here knows are none of the registry's business.
 *
 * @throws HttpError 400 `MANIFEST_INVALID`, saying which field.
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
export function readManifest(bytes: Uint8Array, contentType: string | null): ManifestFacts {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HttpError(400, "MANIFEST_INVALID", "a manifest is JSON in UTF-8", { cause: error });
  }
  if (!isObject(json)) throw invalid("a manifest is a JSON object");
  if (json.schemaVersion !== 2) throw invalid('"schemaVersion" of a manifest is 2');
  const declared = contentType?.split(";")[0]?.trim().toLowerCase() || undefined;
  const own = json.mediaType;
  if (own !== undefined && typeof own !== "string") throw invalid('"mediaType" is a text');
  if (declared !== undefined && own !== undefined && own !== declared) {
    throw invalid(`"mediaType" is ${own}, but Content-Type is ${declared}`);
  }
  const mediaType = own ?? declared ??
    (json.manifests === undefined ? mediaTypes.image : mediaTypes.index);
  // It becomes the Content-Type of answers, where a control character would end the server.
  if (!isMediaType.test(mediaType)) {
    throw invalid(
      `a media type is two names with a slash between, not ${JSON.stringify(mediaType)}`,
    );
  }
  const config = json.config === undefined ? undefined : descriptor(json.config, "config");
  const layers = descriptors(json.layers, "layers");
  const blobs = descriptors(json.blobs, "blobs");
  const manifests = descriptors(json.manifests, "manifests");
  const subject = json.subject === undefined || json.subject === null
    ? undefined
    : descriptor(json.subject, "subject");
  const given = typeof json.artifactType === "string" && json.artifactType !== ""
    ? json.artifactType
    : undefined;
  return {
    mediaType,
    references: [...(config ? [config] : []), ...layers, ...blobs, ...manifests].map(({ digest }) =>
      digest
    ),
    layers,
    subject: subject?.digest,
    artifactType: given ?? config?.mediaType,
    annotations: texts(json.annotations),
  };
}

/** The manifests that an index names; none when it is no index. For the referrers that older clients keep in one. */
export function manifestsOf(bytes: Uint8Array): Descriptor[] {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isObject(json) ? descriptors(json.manifests, "manifests") : [];
  } catch {
    return [];
  }
}

function descriptors(value: unknown, field: string): Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`"${field}" is a list`);
  return value.map((each, index) => descriptor(each, `${field}[${index}]`));
}

function descriptor(value: unknown, field: string): Descriptor {
  if (!isObject(value)) throw invalid(`"${field}" is a descriptor`);
  const digest = typeof value.digest === "string" ? parseDigest(value.digest) : undefined;
  if (digest === undefined) {
    throw invalid(`"${field}.digest" is sha256: or sha512: and its hexadecimal digits`);
  }
  if (typeof value.mediaType !== "string") throw invalid(`"${field}.mediaType" is a text`);
  if (!Number.isSafeInteger(value.size) || Number(value.size) < 0) {
    throw invalid(`"${field}.size" is a number of bytes`);
  }
  return {
    mediaType: value.mediaType,
    digest,
    size: Number(value.size),
    annotations: texts(value.annotations),
    artifactType: typeof value.artifactType === "string" ? value.artifactType : undefined,
  };
}

function texts(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function invalid(message: string): HttpError {
  return new HttpError(400, "MANIFEST_INVALID", message);
}
