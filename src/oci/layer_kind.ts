import { mediaTypes, type OciDescriptor } from "./manifest.ts";

/** The kind of a layer: a module itself, or an archive that may contain one. */
export type LayerKind = "module" | "tar" | "tar+gzip" | "other";

/** Layers of container images: archives of files. */
const archive =
  /^application\/vnd\.(?:oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar(?:[.+]?(gzip))?$/;

/** The media types that tools have given to a layer that is a module. */
const moduleTypes = new Set<string>([
  mediaTypes.wasm,
  "application/vnd.wasm.content.layer.v1+wasm",
  "application/vnd.module.wasm.content.layer.v1+wasm",
]);

/** Returns the kind of a layer by its media type, or by its file name where that is `*.wasm`. */
export function layerKind(
  { mediaType, annotations }: Pick<OciDescriptor, "mediaType" | "annotations">,
): LayerKind {
  const match = archive.exec(mediaType);
  if (match) return match[1] === undefined ? "tar" : "tar+gzip";
  const title = annotations?.["org.opencontainers.image.title"] ?? "";
  return moduleTypes.has(mediaType) || title.endsWith(".wasm") ? "module" : "other";
}
