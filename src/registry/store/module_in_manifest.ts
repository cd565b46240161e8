import { layerKind } from "../../oci/layer_kind.ts";
import type { Manifest, OciDescriptor } from "../../oci/manifest.ts";
import { ArchiveError, moduleInArchive } from "../../oci/module_in_archive.ts";
import type { Digest } from "../../source/digest.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { BlobFacts, ModuleFacts } from "./catalog.ts";

/** The longest description that is kept and listed; an upload has the same limit in bytes. */
const maxInfoLength = 64 * 1024;

/** The store as `moduleInManifest` uses it. */
export interface ManifestBlobs {
  blob(digest: Digest): BlobFacts | undefined;
  path(digest: Digest): string;
  /** The largest module, in bytes. */
  maxBytes: number;
  begin(): Promise<BlobWriter>;
  /** Stores a module that was unpacked from an archive. */
  keep(writer: BlobWriter): Promise<Digest>;
}

/**
 * Returns the module of a manifest: its one layer that is a module, or the one `.wasm` file in its
 * archives. `undefined` without one, or with several.
 *
 * @throws HttpError 507 `DISK_FULL`
 */
export async function moduleInManifest(
  { layers = [], annotations }: Manifest,
  blobs: ManifestBlobs,
): Promise<ModuleFacts | undefined> {
  const info = (annotations?.["org.opencontainers.image.description"] ?? "")
    .slice(0, maxInfoLength).replace(/\s*\n\s*/g, " ");
  const direct = layers.filter((layer) => layerKind(layer) === "module");
  if (direct.length > 1) return undefined;
  if (direct[0]) {
    const { digest } = direct[0];
    const blob = blobs.blob(digest);
    return blob?.isModule ? { digest, size: blob.size, info } : undefined;
  }
  const found: ModuleFacts[] = [];
  for (const layer of layers) {
    const module = await inArchive(layer, blobs);
    if (module === "several") return undefined;
    if (module) found.push({ ...module, info });
  }
  return found.length === 1 ? found[0] : undefined;
}

async function inArchive(
  layer: OciDescriptor,
  blobs: ManifestBlobs,
): Promise<{ digest: Digest; size: number } | "several" | undefined> {
  const kind = layerKind(layer);
  if (!(kind === "tar" || kind === "tar+gzip") || !blobs.blob(layer.digest)) return undefined;
  const { readable } = await Deno.open(blobs.path(layer.digest));
  await using writer = await blobs.begin();
  try {
    const count = await moduleInArchive(readable, {
      isGzip: kind === "tar+gzip",
      maxBytes: blobs.maxBytes,
      async take(content) {
        for await (const piece of content) await writer.write(piece);
      },
    });
    if (count > 1) return "several";
    if (count === 0 || writer.moduleFault("") !== undefined) return undefined;
    const { size } = writer;
    return { digest: await blobs.keep(writer), size };
  } catch (error) {
    // A damaged archive holds no module: the registry stores it as the client sent it.
    if (error instanceof ArchiveError) return undefined;
    throw error;
  }
}
