import type { ModuleFacts } from "./catalog.ts";
import { digestOf } from "./digest.ts";
import { mediaTypes } from "./manifest.ts";
import type { ModuleName } from "./names.ts";

/**
 * What an uploaded module is to tools that speak OCI: a manifest with one `application/wasm` layer.
 *
 * @see https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
 */
export function artifactOf(
  { module }: ModuleName,
  { digest, size, info, at }: ModuleFacts & { at: number },
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
