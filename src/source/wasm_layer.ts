/** As much of a descriptor as tells what it is. */
export interface LayerKind {
  mediaType: string;
  annotations?: Record<string, string>;
}

/** Layers of container images: archives of files. */
const archive =
  /^application\/vnd\.(?:oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar(?:[.+]?(gzip))?$/;

/** What tools have called a layer that is a module. */
const moduleTypes = new Set([
  "application/wasm",
  "application/vnd.wasm.content.layer.v1+wasm",
  "application/vnd.module.wasm.content.layer.v1+wasm",
]);

/** Whether a layer is a module itself, by its media type or by the name of its file, or an archive that may hold one. */
export function layerKind(
  { mediaType, annotations }: LayerKind,
): "module" | "tar" | "tar+gzip" | "other" {
  const match = archive.exec(mediaType);
  if (match) return match[1] === undefined ? "tar" : "tar+gzip";
  const title = annotations?.["org.opencontainers.image.title"] ?? "";
  return moduleTypes.has(mediaType) || title.endsWith(".wasm") ? "module" : "other";
}
