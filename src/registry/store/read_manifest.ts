import { CapsuleError } from "../../base/errors.ts";
import { type Manifest, parseManifest } from "../../oci/manifest.ts";
import { HttpError } from "../../server/http_error.ts";
import type { Digest } from "../../source/digest.ts";
import type { ManifestRecord, ModuleFacts } from "./catalog.ts";

/**
 * Parses a manifest that a client sent.
 *
 * @throws HttpError 400 `MANIFEST_INVALID`, with the field.
 */
export function readManifest(bytes: Uint8Array, contentType: string | null): Manifest {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    throw new HttpError(400, error.code, error.message, { cause: error });
  }
}

/**
 * Returns the digests of the blobs without which an image cannot be pulled: not the manifests of an
 * index, which may be sparse, and not layers that a registry may not distribute.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md#non-distributable-layers
 */
export function requiredBlobs({ config, layers = [], blobs }: Manifest): Digest[] {
  const distributable = layers.filter(({ mediaType }) =>
    !/nondistributable|foreign/.test(mediaType)
  );
  return [...(config ? [config] : []), ...distributable, ...blobs].map(({ digest }) => digest);
}

/** Returns the digests of everything that a manifest references, its subject excepted. */
export function referencesOf({ config, layers = [], blobs, manifests = [] }: Manifest): Digest[] {
  return [...(config ? [config] : []), ...layers, ...blobs, ...manifests]
    .map(({ digest }) => digest);
}

/** Returns the catalog's record of a manifest. */
export function recordOf(
  manifest: Manifest,
  { digest, size, module }: { digest: Digest; size: number; module: ModuleFacts | undefined },
): ManifestRecord {
  const { mediaType, subject, artifactType } = manifest;
  // Only the referrers API lists them, and the catalog is kept in memory.
  const annotations = subject && manifest.annotations;
  const references = referencesOf(manifest);
  return { digest, mediaType, size, references, subject, artifactType, annotations, module };
}
