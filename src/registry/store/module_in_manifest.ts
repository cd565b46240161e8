import type { BlobFacts, ModuleFacts } from "./catalog.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { Digest } from "../../source/digest.ts";
import type { Descriptor, Manifest } from "../../oci/manifest.ts";
import { tarEntry } from "../../oci/tar_entry.ts";
import { layerKind } from "../../oci/layer_kind.ts";

/** What is looked at, and where a module that lay in an archive goes. */
export interface BlobAccess {
  blob(digest: Digest): BlobFacts | undefined;
  path(digest: Digest): string;
  maxBytes: number;
  begin(): Promise<BlobWriter>;
  keep(writer: BlobWriter): Promise<Digest>;
}

/**
 * The module that a manifest holds: its one layer that is a module, by its media type or by the name of its file; or the one `.wasm` in
 * its container image's layers. `undefined` when there is none, or more than one.
 */
export async function moduleInManifest(
  { layers = [], annotations }: Manifest,
  access: BlobAccess,
): Promise<ModuleFacts | undefined> {
  const info = (annotations?.["org.opencontainers.image.description"] ?? "").replace(
    /\s*\n\s*/g,
    " ",
  );
  const direct = layers.filter((layer) => layerKind(layer) === "module");
  if (direct.length > 1) return undefined;
  if (direct[0]) {
    const { digest } = direct[0];
    const blob = access.blob(digest);
    return blob?.isModule ? { digest, size: blob.size, info } : undefined;
  }
  const found: ModuleFacts[] = [];
  for (const layer of layers) {
    const module = await inArchive(layer, access);
    if (module === "several") return undefined;
    if (module) found.push({ ...module, info });
  }
  return found.length === 1 ? found[0] : undefined;
}

async function inArchive(
  layer: Descriptor,
  access: BlobAccess,
): Promise<{ digest: Digest; size: number } | "several" | undefined> {
  const kind = layerKind(layer);
  if (!(kind === "tar" || kind === "tar+gzip") || !access.blob(layer.digest)) return undefined;
  const file = await Deno.open(access.path(layer.digest));
  const bytes = kind === "tar"
    ? file.readable
    : file.readable.pipeThrough(new DecompressionStream("gzip"));
  const writer = await access.begin();
  try {
    const entries = await tarEntry(bytes, {
      wanted: (name) => name.endsWith(".wasm"),
      maxBytes: access.maxBytes,
      write: (piece) => writer.write(piece),
    });
    if (entries > 1) return "several";
    if (entries === 0 || writer.moduleFault("") !== undefined) return undefined;
    const { size } = writer;
    return { digest: await access.keep(writer), size };
  } catch (error) {
    // An archive that cannot be read holds no module; it is the business of whoever pushed it.
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await writer.abort();
  }
}
