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
  /** Set for a component. */
  component?: ComponentNames;
}

/** The names of what a component imports and exports, such as `wasi:cli/run@0.2.0`. */
export interface ComponentNames {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/**
 * Returns the config and the manifest of an artifact with one `application/wasm` layer.
 *
 * @see https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
 */
export function artifactOf(
  { module, digest, size, info, at, component }: ArtifactContent,
): { config: Uint8Array<ArrayBuffer>; manifest: Uint8Array<ArrayBuffer> } {
  const created = new Date(at).toISOString();
  const config = encode({
    created,
    architecture: "wasm",
    os: component ? "wasip2" : "wasip1",
    layerDigests: [digest],
    component,
  });
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
