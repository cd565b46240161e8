import { createSourceMap, type SourceMap } from "../prepare/source_map.ts";
import type { Blueprint } from "../wasm/blueprint.ts";

const maps = new WeakMap<WebAssembly.Module, SourceMap>();

/**
 * Returns a function that maps offsets in a module that runs to the module as it was built; it
 * returns undefined for code that Capsule added. Loaded and computed for the first trap only.
 */
export function sourceOffsets({ module, source }: Blueprint): SourceMap {
  if (source.kind === "unknown") return () => undefined;
  if (source.kind === "shifted") return (offset) => offset - source.by;
  let map = maps.get(module);
  if (!map) maps.set(module, map = createSourceMap(source.bytes, source.options));
  const known = map;
  return (offset) => {
    const old = known(offset);
    return old === undefined ? undefined : old - source.by;
  };
}
