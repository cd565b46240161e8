import { readLayout } from "../../prepare/format/layout.ts";
import type { Extern } from "../../prepare/format/describe.ts";
import type { CoreExtern, CoreImport, CoreModuleType } from "./items.ts";
import { invalid } from "./items.ts";

/**
 * Reads the imports and exports of a core module.
 *
 * @throws CapsuleError `LOAD` if the module is malformed, invalid, or imports a name twice.
 */
export function coreModuleType(bytes: Uint8Array<ArrayBuffer>, offset: number): CoreModuleType {
  const { description } = readLayout(bytes);
  const imports = new Map<string, CoreImport>();
  for (const { module, name, ...extern } of description.imports) {
    addImport(imports, { module, name, type: coreExtern(extern) }, offset);
  }
  const exports = new Map<string, CoreExtern>();
  for (const { kind, name, index, type } of description.exports) {
    const extern: Extern | undefined = kind === "function" || kind === "tag"
      ? { kind, type }
      : description[`${kind === "memory" ? "memorie" : kind}s`][index];
    if (extern) exports.set(name, coreExtern(extern));
  }
  return { imports, exports };
}

/** Adds an import. Two with the same names would be one import of the component. */
export function addImport(
  imports: Map<string, CoreImport>,
  coreImport: CoreImport,
  offset: number,
): void {
  const { module, name } = coreImport;
  const key = JSON.stringify([module, name]);
  if (imports.has(key)) throw invalid(`duplicate import name \`${module}:${name}\``, offset);
  imports.set(key, coreImport);
}

function coreExtern(extern: Extern): CoreExtern {
  switch (extern.kind) {
    case "function":
    case "tag": {
      const type = extern.type ?? { params: ["unknown"], results: [] };
      return { kind: extern.kind === "tag" ? "core tag" : "core func", type };
    }
    case "global":
      return { kind: "core global", type: extern.type, isMutable: extern.mutable };
    case "memory":
    case "table": {
      const { min, max, is64, shared } = extern.limits;
      const limits = {
        min: BigInt(min),
        max: max === undefined ? undefined : BigInt(max),
        is64,
        isShared: shared,
      };
      return extern.kind === "memory"
        ? { kind: "core memory", limits }
        : { kind: "core table", element: extern.element, limits };
    }
  }
}
