import { SectionId, visitSections } from "../../prepare/format/sections.ts";
import type { CoreFuncType } from "../format/syntax.ts";
import { coreModuleType } from "../link/core_module_type.ts";
import type { CoreExtern, CoreSource } from "../link/items.ts";
import type { CoreInstantiation, Plan, Trampoline } from "../link/plan.ts";
import { showFunc } from "../types/core_match.ts";
import { parseExternName } from "../types/names.ts";
import {
  adapterImports,
  entryPoints,
  entryPointType,
  mainAllocators,
  replaceable,
} from "./adapter_functions.ts";

/** A core instance that turns calls of preview1 into calls of WASI 0.2, and does nothing else. */
export interface Adapter {
  /** Index of the core instance. */
  readonly instance: number;
  /** Index of the component instance that it belongs to. */
  readonly owner: number;
  /** The memory of the main module. */
  readonly memory: CoreSource;
  /** The functions of preview1 that it exports. */
  readonly functions: readonly { readonly name: string; readonly type: CoreFuncType }[];
  /** Its other exports. */
  readonly entryPoints: readonly string[];
}

/**
 * Finds the adapter of a component by its imports and exports: it uses the memory and functions of
 * the main module and functions of WASI 0.2 of the host, holds no data, and exports functions of
 * preview1.
 *
 * @returns undefined if there is no such instance, or more than one.
 */
export function findAdapter(plan: Plan): Adapter | undefined {
  const found = plan.coreInstances.flatMap((_, instance) => adapterAt(plan, instance) ?? []);
  const [adapter] = found;
  return found.length === 1 ? adapter : undefined;
}

function adapterAt(plan: Plan, instance: number): Adapter | undefined {
  const core = plan.coreInstances[instance];
  const memory = core?.imports.find(({ module, name }) => module === "env" && name === "memory");
  if (!core || memory?.source.kind !== "export") return undefined;
  if (plan.coreInstances.some((other) => other !== core && other.module === core.module)) {
    return undefined;
  }
  // The imports first: to read a module takes longer, and few import what adapters do.
  const imported = readImports(plan, core);
  const bytes = plan.modules[core.module];
  if (!imported || !bytes || holdsData(bytes)) return undefined;
  const named = sortExports(coreModuleType(bytes, 0).exports);
  if (!named) return undefined;
  const { functions } = named;
  const needs = functions.flatMap(({ name }) => replaceable(name)?.needs ?? []);
  if (needs.some((name) => !imported.names.has(name))) return undefined;
  return { instance, owner: imported.owner, memory: memory.source, ...named };
}

/** Reports whether a module has a memory or data of its own. */
function holdsData(bytes: Uint8Array): boolean {
  let found = false;
  visitSections(bytes, ({ id }) => {
    found ||= id === SectionId.memory || id === SectionId.data || id === SectionId.tag;
  });
  return found;
}

/** Divides the exports. @returns undefined if one is not what an adapter exports. */
function sortExports(
  exports: ReadonlyMap<string, CoreExtern>,
): Pick<Adapter, "functions" | "entryPoints"> | undefined {
  const functions: { name: string; type: CoreFuncType }[] = [];
  const others: string[] = [];
  for (const [name, extern] of exports) {
    const type = entryPoints.has(name) ? entryPointType : replaceable(name)?.type;
    if (!type || extern.kind !== "core func" || showFunc(extern.type) !== showFunc(type)) {
      return undefined;
    }
    if (entryPoints.has(name)) others.push(name);
    else functions.push({ name, type });
  }
  return functions.length > 0 ? { functions, entryPoints: others } : undefined;
}

/** Reads the imports. @returns undefined if one is not what an adapter imports. */
function readImports(
  plan: Plan,
  { imports }: CoreInstantiation,
): { names: ReadonlySet<string>; owner: number } | undefined {
  const names = new Set<string>();
  const owners = new Set<number>();
  for (const { module, name, source } of imports) {
    if (module === "env" && name === "memory") continue;
    if (module === "__main_module__" && mainAllocators.has(name)) continue;
    const called = trampolineOf(plan, source);
    const wasi = called && calledName(called);
    if (!called || wasi === undefined) return undefined;
    owners.add(called.instance);
    names.add(wasi);
  }
  const [owner] = owners;
  return owner !== undefined && owners.size === 1 ? { names, owner } : undefined;
}

/** Returns the function of WASI 0.2 that is called, if it is one that adapters call. */
function calledName(called: Trampoline): string | undefined {
  if (called.kind === "resource.drop") {
    const [importName = "", name = ""] = called.resource.path ?? [];
    const interfaceName = wasiInterface(importName);
    return interfaceName && `${interfaceName} [resource-drop]${name}`;
  }
  if (called.kind !== "lower" || called.source.kind !== "host") return undefined;
  const [importName = "", name = ""] = called.source.path;
  const interfaceName = wasiInterface(importName);
  if (interfaceName === undefined) return undefined;
  return adapterImports[interfaceName]?.includes(name) ? `${interfaceName} ${name}` : undefined;
}

/** Returns the name without its version of an interface of WASI 0.2 that adapters import. */
function wasiInterface(importName: string): string | undefined {
  const parsed = parseExternName(importName);
  if (parsed?.kind !== "interface" || !/^0\.2\.\d+$/.test(parsed.version ?? "")) return undefined;
  return adapterImports[parsed.name] && parsed.name;
}

/** The export and import of the table through which imports are called before they exist. */
const lateTable = "$imports";

/**
 * Returns the trampoline that a function leads to, also through a table: tools export functions
 * named by numbers, each of which calls an element of the table `$imports`, and instantiate another
 * module later that fills the table with its imports of the same names.
 */
function trampolineOf(plan: Plan, source: CoreSource): Trampoline | undefined {
  if (source.kind === "trampoline") return plan.trampolines[source.trampoline];
  const filling = plan.coreInstances.find(({ imports }) =>
    imports.some(({ name, source: table }) =>
      name === lateTable && table.kind === "export" && table.name === lateTable &&
      table.instance === source.instance
    )
  );
  const filled = filling?.imports.find(({ name }) => name === source.name)?.source;
  return filled?.kind === "trampoline" ? plan.trampolines[filled.trampoline] : undefined;
}
