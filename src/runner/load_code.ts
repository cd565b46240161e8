import type { Log } from "../base/log.ts";
import type { LoadOptions } from "../function/load.ts";
import type { Blueprint } from "../wasm/instance.ts";
import {
  type BlueprintOptions,
  loadBlueprint,
  loadOptions,
  type NamedModule,
} from "./load_blueprint.ts";

/**
 * A module or a component to run. It can be posted to other threads: a component as its bytes,
 * which each thread loads for itself.
 */
export type LoadedCode =
  | { readonly kind: "module"; readonly blueprint: Blueprint }
  | {
    readonly kind: "component";
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly options: Omit<LoadOptions, "warn">;
  };

/**
 * Loads a module, or recognizes a component by its bytes.
 *
 * @throws CapsuleError `LOAD`.
 */
export async function loadCode(
  module: NamedModule,
  options: BlueprintOptions,
  log: Log,
): Promise<LoadedCode> {
  // The layer field of the header (`component/format/decode.ts`), read without loading the decoder.
  const [, , , , , , layer] = module.bytes;
  if (layer !== 1) return { kind: "module", blueprint: await loadBlueprint(module, options, log) };
  return { kind: "component", bytes: module.bytes, options: loadOptions(module.name, options) };
}
