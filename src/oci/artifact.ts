import { type Digest, digestOf } from "../source/digest.ts";
import { mediaTypes } from "./manifest.ts";

/** A module as an OCI artifact. */
export interface ArtifactContent {
  /** The module's name, of which its file is named. */
  module: string;
  digest: Digest;
  /** In bytes. */
  size: number;
  /** The description; empty for none. */
  info: string;
  /** When it was created, in milliseconds since 1970. */
  at: number;
}

/**
 * Returns the config and the manifest of an artifact with one `application/wasm` layer.
 *
 * @see https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
 */
export function artifactOf(
  { module, digest, size, info, at }: ArtifactContent,
): { config: Uint8Array<ArrayBuffer>; manifest: Uint8Array<ArrayBuffer> } {
  const created = new Date(at).toISOString();
  const config = encode({ created, architecture: "wasm", os: "wasip1", layerDigests: [digest] });
  const manifest = encode({
    schemaVersion: 2,
    mediaType: mediaTypes.image,
    config: {
      mediaType: mediaTypes.wasmConfig,
      digest: digestOf(config),
      size: config.length,
    },
    layers: [{
      mediaType: mediaTypes.wasm,
      digest,
      size,
      annotations: { "org.opencontainers.image.title": `${module}.wasm` },
    }],
    annotations: {
      "org.opencontainers.image.created": created,
      ...(info === "" ? {} : { "org.opencontainers.image.description": info }),
    },
  });
  return { config, manifest };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
