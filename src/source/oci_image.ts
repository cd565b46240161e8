import { CapsuleError } from "../base/errors.ts";
import { isObject } from "../base/json.ts";
import type { LayerKind } from "./wasm_layer.ts";

/** A layer of an image, or a manifest of an index. */
export interface Layer extends LayerKind {
  digest: string;
  size: number;
}

/** What a manifest says of where the module is. */
export type Image = { kind: "image"; layers: Layer[] } | { kind: "index"; module: Layer };

/**
 * Reads a manifest or an index; of an index, the manifest for WebAssembly, or the only one.
 *
 * @throws CapsuleError `NOT_A_MODULE`
 */
export function readImage(bytes: Uint8Array, what: string): Image {
  const fault = (why: string) =>
    new CapsuleError("NOT_A_MODULE", `the manifest of ${what} cannot be used: ${why}`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new CapsuleError("NOT_A_MODULE", `the manifest of ${what} is no JSON`, { cause: error });
  }
  if (!isObject(json)) throw fault("it is no object");
  const list = json.manifests ?? json.layers;
  if (!Array.isArray(list)) throw fault("it has neither layers nor manifests");
  const layers = list.map((each: unknown): Layer & { wasm: boolean } => {
    if (!isObject(each)) throw fault("a descriptor is no object");
    const { digest, size, mediaType, annotations, platform } = each;
    const known = typeof digest === "string" &&
      /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(digest);
    if (!known || typeof size !== "number" || typeof mediaType !== "string") {
      throw fault("a descriptor is not whole");
    }
    const wasm = isObject(platform) &&
      [platform.architecture, platform.os].some((part) => /^wasm|^wasi/.test(String(part)));
    return { digest, size, mediaType, annotations: texts(annotations), wasm };
  });
  if (json.manifests === undefined) return { kind: "image", layers };
  const module = layers.find(({ wasm }) => wasm) ?? (layers.length === 1 ? layers[0] : undefined);
  if (module === undefined) {
    throw fault(`none of its ${layers.length} manifests is for WebAssembly`);
  }
  return { kind: "index", module };
}

function texts(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
