import type { Repository } from "../store/catalog.ts";
import type { Digest } from "../store/digest.ts";
import type { Descriptor } from "../store/manifest.ts";

/** What refers to a manifest, such as its signatures: what was pushed with it as subject, and what `listed` names beside. */
export function referrersOf(
  repository: Repository | undefined,
  subject: Digest,
  listed: readonly Descriptor[],
): Descriptor[] {
  const found = new Map<Digest, Descriptor>();
  for (const each of listed) found.set(each.digest, each);
  for (const manifest of repository?.manifests.values() ?? []) {
    if (manifest.subject !== subject) continue;
    const { mediaType, digest, size, annotations, artifactType } = manifest;
    found.set(digest, { mediaType, digest, size, annotations, artifactType });
  }
  return Array.from(found.values());
}
