import { CapsuleError } from "../../base/errors.ts";
import { type OciDescriptor, parseManifest } from "../../oci/manifest.ts";
import type { Digest } from "../../source/digest.ts";
import type { Repository } from "../store/catalog.ts";

/**
 * Returns what refers to a manifest, such as its signatures, sorted by digest: the manifests that
 * have it as subject, and those that a fallback index lists.
 *
 * @param fallback the bytes of the index in which clients of registries without this API keep the
 * list.
 */
export function referrersOf(
  repository: Repository | undefined,
  subject: Digest,
  fallback: Uint8Array | undefined,
): OciDescriptor[] {
  const found = new Map<Digest, OciDescriptor>();
  for (const each of manifestsIn(fallback)) found.set(each.digest, each);
  for (const manifest of repository?.manifests.values() ?? []) {
    if (manifest.subject !== subject) continue;
    const { mediaType, digest, size, annotations, artifactType } = manifest;
    found.set(digest, { mediaType, digest, size, annotations, artifactType });
  }
  return Array.from(found.keys()).sort().flatMap((digest) => found.get(digest) ?? []);
}

/**
 * Returns the manifests of an index; none for other bytes, which a user may push under that tag.
 */
function manifestsIn(index: Uint8Array | undefined): OciDescriptor[] {
  if (index === undefined) return [];
  try {
    return parseManifest(index).manifests ?? [];
  } catch (error) {
    if (error instanceof CapsuleError) return [];
    throw error;
  }
}
