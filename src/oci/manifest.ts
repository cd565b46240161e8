import { CapsuleError } from "../base/errors.ts";
import { isObject } from "../base/json.ts";
import { type Digest, digestRule, parseDigest } from "../source/digest.ts";

/** An image manifest or an index, as far as client and registry use it. */
export interface Manifest {
  mediaType: string;
  config?: OciDescriptor;
  /** Layers of an image; `undefined` without that field. */
  layers?: OciDescriptor[];
  /** Blobs of an OCI 1.1 release-candidate artifact. */
  blobs: OciDescriptor[];
  /** Manifests of an index; `undefined` for an image. */
  manifests?: OciDescriptor[];
  /** The manifest that this one is about, such as the image that it signs. */
  subject?: Digest;
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** A reference to a blob or a manifest. */
export interface OciDescriptor {
  mediaType: string;
  digest: Digest;
  /** In bytes. */
  size: number;
  annotations?: Record<string, string>;
  artifactType?: string;
  platform?: { architecture: string; os: string };
}

/** The media types that Capsule writes. */
export const mediaTypes = {
  image: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  wasmConfig: "application/vnd.wasm.config.v0+json",
  wasm: "application/wasm",
} as const;

/** The media types that a client accepts as a manifest. */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.image,
  mediaTypes.index,
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** The largest manifest, in bytes, that is read; the specification asks for this much. */
export const maxManifestBytes = 4 * 1024 * 1024;

/**
 * A media type becomes a header of responses, which bounds its length.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 */
const mediaTypePattern = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/;

/**
 * Parses a manifest or an index. Unknown fields are ignored.
 *
 * @param contentType the `Content-Type` that it came with, which its own `mediaType` must equal.
 * @throws CapsuleError `MANIFEST_INVALID`, with the field.
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
export function parseManifest(bytes: Uint8Array, contentType?: string | null): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid("a manifest is JSON in UTF-8", error);
  }
  if (!isObject(json)) throw invalid("a manifest is a JSON object");
  if (json.schemaVersion !== 2) throw invalid('"schemaVersion" of a manifest is 2');
  const config = isAbsent(json.config) ? undefined : descriptor(json.config, "config");
  const artifactType = json.artifactType || config?.mediaType;
  return {
    mediaType: mediaTypeOf(json, contentType),
    config,
    layers: descriptors(json.layers, "layers"),
    blobs: descriptors(json.blobs, "blobs") ?? [],
    manifests: descriptors(json.manifests, "manifests"),
    subject: isAbsent(json.subject) ? undefined : descriptor(json.subject, "subject").digest,
    artifactType: typeof artifactType === "string" ? artifactType : config?.mediaType,
    annotations: strings(json.annotations),
  };
}

function mediaTypeOf(json: Record<string, unknown>, contentType?: string | null): string {
  const declared = contentType?.split(";")[0]?.trim().toLowerCase() || undefined;
  const own = json.mediaType;
  if (own !== undefined && typeof own !== "string") throw invalid('"mediaType" is a text');
  if (declared !== undefined && own !== undefined && own !== declared) {
    throw invalid(`"mediaType" is ${own}, but Content-Type is ${declared}`);
  }
  const mediaType = own ?? declared ??
    (json.manifests === undefined ? mediaTypes.image : mediaTypes.index);
  if (!mediaTypePattern.test(mediaType)) {
    const shown = JSON.stringify(mediaType.slice(0, 256));
    throw invalid(`a media type is two names of up to 127 characters each, not ${shown}`);
  }
  return mediaType;
}

function descriptors(value: unknown, field: string): OciDescriptor[] | undefined {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value)) throw invalid(`"${field}" is a list`);
  return value.map((each, index) => descriptor(each, `${field}[${index}]`));
}

function descriptor(value: unknown, field: string): OciDescriptor {
  if (!isObject(value)) throw invalid(`"${field}" is a descriptor`);
  const digest = typeof value.digest === "string" ? parseDigest(value.digest) : undefined;
  if (digest === undefined) throw invalid(`"${field}.digest" is ${digestRule}`);
  if (typeof value.mediaType !== "string") throw invalid(`"${field}.mediaType" is a text`);
  if (!Number.isSafeInteger(value.size) || Number(value.size) < 0) {
    throw invalid(`"${field}.size" is a number of bytes`);
  }
  const { platform } = value;
  return {
    mediaType: value.mediaType,
    digest,
    size: Number(value.size),
    annotations: strings(value.annotations),
    artifactType: typeof value.artifactType === "string" ? value.artifactType : undefined,
    platform: isObject(platform)
      ? { architecture: String(platform.architecture), os: String(platform.os) }
      : undefined,
  };
}

/** Absent and null are the same: Go programs write an empty field as null. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function strings(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function invalid(message: string, cause?: unknown): CapsuleError {
  return new CapsuleError("MANIFEST_INVALID", message, { cause });
}
