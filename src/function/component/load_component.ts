import { CapsuleError, messageOf } from "../../base/errors.ts";
import { replaceAdapter } from "../../component/adapter/replace_adapter.ts";
import { decodeComponent } from "../../component/format/decode.ts";
import { linkComponent } from "../../component/link/evaluate.ts";
import type { Plan } from "../../component/link/plan.ts";
import { parseExternName } from "../../component/types/names.ts";
import { UnknownConstruct } from "../../prepare/format/reader.ts";
import {
  type PreparationResult,
  prepareScanned,
  scanModule,
  type ScannedModule,
} from "../../prepare/prepare.ts";
import { canPause } from "../../wasm/jspi.ts";
import type { MemoryNeeds } from "../../wasm/blueprint.ts";
import type { LoadOptions } from "../load.ts";
import { memoryNeeds, shareBetween } from "./share_between.ts";

/** A compiled core module of a component, and what a reset of its instances restores. */
export interface CoreModule {
  readonly module: WebAssembly.Module;
  /** Names of the exports with the mutable globals. */
  readonly globalExports: readonly string[];
  /** Name of the export with the memory that it defines, if it does. */
  readonly memoryExport: string | undefined;
}

/** A component ready to be instantiated. */
export interface ComponentBlueprint {
  readonly plan: Plan;
  readonly modules: readonly CoreModule[];
  readonly memory: MemoryNeeds;
  /** Pages with which the memory starts that all core instances share; undefined if none do. */
  readonly sharedPages: number | undefined;
  /** Path of the function that is called, and the world it belongs to. */
  readonly entry: ComponentEntry;
  /** True if it imports `wasi:sockets`. */
  readonly usesSockets: boolean;
  /** Reasons why an instance cannot be reset, as sentences; empty if it can. */
  readonly cannotReset: readonly string[];
}

/** A component that is put before another one. */
interface NamedComponent {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The export that is called: it handles a request, or runs a program. */
export interface ComponentEntry {
  readonly kind: "http" | "command";
  /** The version of WASI to which it belongs. */
  readonly wasi: "0.2" | "0.3";
  readonly path: readonly [interfaceName: string, func: string];
}

/**
 * Decodes, validates, prepares and compiles a component.
 *
 * @throws CapsuleError `LOAD` with the component's name and the reason.
 */
export function loadComponent(
  bytes: Uint8Array<ArrayBuffer>,
  options: LoadOptions & { readonly middleware?: readonly NamedComponent[] },
): ComponentBlueprint {
  const { middleware = [] } = options;
  try {
    const before = middleware.map(({ bytes }) => decodeComponent(bytes));
    const linked = linkComponent(decodeComponent(bytes), before);
    const plan = options.adapter === "component" ? linked : replaceAdapter(linked);
    const entry = entryOf(plan, options.mode);
    const shared = shareBetween(plan, options.maxMemoryBytes);
    const usesSockets = [...plan.imports.keys()].some((name) => name.startsWith("wasi:sockets/"));
    // A guest that reads a socket in a loop without waiting must be paused, or nothing would
    // arrive.
    const steps = options.steps || usesSockets;
    const scanned = shared.map(({ bytes }) => scanModule(bytes));
    const memory = memoryUse(plan, scanned);
    const prepared = prepareAll(scanned, { ...options, steps, memory: memory.kind });
    return {
      plan,
      memory: memoryNeeds(plan, shared, prepared),
      entry,
      usesSockets,
      sharedPages: memory.kind === "shared" ? memory.initialPages : undefined,
      modules: prepared.map((one, index) => ({
        module: compile(one.bytes as Uint8Array<ArrayBuffer>, index),
        globalExports: one.kind === "prepared"
          ? one.globals.map(({ exportName }) => exportName)
          : [],
        memoryExport: one.kind === "prepared" && ownsMemory(one.module)
          ? one.memoryExport
          : undefined,
      })),
      cannotReset: prepared.flatMap((one) =>
        one.kind === "prepared" ? one.cannotReset : ["A module of it is not prepared."]
      ),
    };
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    const chain = [...middleware, options].map(({ name }) => name).join(" before ");
    throw new CapsuleError("LOAD", `${chain}: ${error.message}`, { cause: error });
  }
}

/** How the core instances of a component use memories. */
type MemoryUse =
  | { readonly kind: "own" | "several" }
  /** All use one, which starts with `initialPages` pages of 64 KiB. */
  | { readonly kind: "shared"; readonly initialPages: number };

function memoryUse(plan: Plan, scanned: readonly ScannedModule[]): MemoryUse {
  if (!plan.coreInstances.some(({ imports }) => imports.some(({ isMemory }) => isMemory))) {
    return { kind: "own" };
  }
  const used = plan.coreInstances.flatMap(({ module }) => scanned[module] ?? []);
  const owned = used.filter(({ layout: { description } }) => ownsMemory(description))
    .flatMap(({ layout }) => layout.description.memories);
  const [memory] = owned;
  const isKnown = scanned.every(({ layout, code }) =>
    !(code instanceof UnknownConstruct) && layout.description.memories.length <= 1
  );
  if (owned.length !== 1 || !memory || !isKnown) return { kind: "several" };
  const { is64, shared, min } = memory.limits;
  return is64 || shared ? { kind: "several" } : { kind: "shared", initialPages: min };
}

function prepareAll(
  modules: readonly ScannedModule[],
  options: LoadOptions & { memory: MemoryUse["kind"] },
): PreparationResult[] {
  const settings = {
    exportGlobals: options.manyCalls,
    countGrowth: options.manyCalls,
    steps: options.steps && canPause,
  };
  return modules.map((scanned, index) => {
    const prepared = prepareScanned(scanned, {
      ...settings,
      component: { memory: options.memory },
    });
    if (prepared.kind === "unprepared" && !options.unlimited) {
      const { what, offset } = prepared.unknown;
      throw new CapsuleError(
        "LOAD",
        `its limits cannot be enforced because of ${what} at offset 0x${offset.toString(16)} of ` +
          `core module ${index}; -unlimited runs it without any`,
      );
    }
    return prepared;
  });
}

function ownsMemory({ memories, imports }: PreparationResult["module"]): boolean {
  return memories.length > 0 && !imports.some(({ kind }) => kind === "memory");
}

function compile(bytes: Uint8Array<ArrayBuffer>, index: number): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new CapsuleError("LOAD", `its core module ${index} is invalid: ${messageOf(error)}`);
  }
}

/** Exports to call, by name and version of WASI: their kind and the function. */
const entries: Readonly<Record<string, readonly [kind: ComponentEntry["kind"], func: string]>> = {
  "wasi:http/incoming-handler@0.2": ["http", "handle"],
  "wasi:http/handler@0.3": ["http", "handle"],
  "wasi:cli/run@0.2": ["command", "run"],
  "wasi:cli/run@0.3": ["command", "run"],
};

/**
 * Finds the export to call. The mode selects between the kinds; of two versions the newer one is
 * called.
 */
function entryOf({ exports }: Plan, mode: LoadOptions["mode"]): ComponentEntry {
  const found = new Map<ComponentEntry["kind"], ComponentEntry>();
  const newer: string[] = [];
  for (const [name, item] of exports) {
    const parsed = parseExternName(name);
    if (item.sort !== "instance" || parsed?.kind !== "interface") continue;
    const wasi = /^0\.([23])(?:\.|$)/.exec(parsed.version ?? "")?.[1] === "3" ? "0.3" : "0.2";
    const [kind, func] = entries[`${parsed.name}@${wasi}`] ?? [];
    if (kind === undefined || func === undefined) continue;
    if (!/^0\.[23](?:\.|$)/.test(parsed.version ?? "")) newer.push(name);
    else if (item.exports.get(func)?.sort !== "func") continue;
    else if (found.get(kind)?.wasi !== "0.3") found.set(kind, { kind, wasi, path: [name, func] });
  }
  const [wanted, other] = mode === "http"
    ? ["http", "command"] as const
    : ["command", "http"] as const;
  const entry = found.get(wanted);
  if (entry) return entry;
  if (newer.length > 0) {
    throw new CapsuleError(
      "LOAD",
      `it exports ${newer.join(" and ")}, and Capsule runs components of WASI 0.2 and 0.3`,
    );
  }
  const names = mode === "http"
    ? "wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3"
    : "wasi:cli/run@0.2 or @0.3";
  const hint = found.has(other) ? `; run it with -mode=${mode === "http" ? "cli" : "http"}` : "";
  const exported = [...exports.keys()].join(", ") || "nothing";
  throw new CapsuleError(
    "LOAD",
    `-mode=${mode} needs a component that exports ${names}: this one exports ${exported}${hint}`,
  );
}
