import { CapsuleError, messageOf } from "../base/errors.ts";
import { refuseReservedNames } from "../prepare/contract.ts";
import type { PreparationResult, PrepareOptions, UnpreparedModule } from "../prepare/prepare.ts";
import { assertStartsWithin, type SharedMemory, shareMemory } from "../prepare/share_memory.ts";
import { canPause } from "../wasm/jspi.ts";
import {
  type Blueprint,
  createBlueprint,
  type Isolation,
  type MemoryNeeds,
  type ModuleSource,
} from "../wasm/blueprint.ts";
import { isProgram, kindOf } from "./module_kind.ts";

/** Settings for the preparation of a module. */
export interface LoadOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly mode: "cli" | "http";
  /** Maximum memory of an instance, in bytes. */
  readonly maxMemoryBytes: number;
  /** Meters guests, for their slices or their deadlines. */
  readonly steps: boolean;
  /** Prepares for many calls, between which instances are reset. */
  readonly manyCalls: boolean;
  /** Keeps the state of an instance from call to call. */
  readonly reuse: boolean;
  /** Runs a module whose limits cannot be enforced. Default: false, which refuses it. */
  readonly unlimited?: boolean;
  /** Runs a component's own adapter from preview1, or Capsule's. Default: `capsule`. */
  readonly adapter?: "capsule" | "component";
  readonly warn: (sentence: string) => void;
}

/**
 * Prepares, compiles and checks a module, so that errors which instantiation or calls would meet
 * are found at load.
 *
 * @throws CapsuleError `LOAD` with the module's name and the reason.
 */
export async function loadModule(
  bytes: Uint8Array<ArrayBuffer>,
  options: LoadOptions,
): Promise<Blueprint> {
  const shared = withName(options.name, () => {
    const module = shareMemory(bytes, options.maxMemoryBytes);
    assertStartsWithin(module, options.maxMemoryBytes);
    return module;
  });
  const { prepared, settings } = await prepare(shared.bytes, options);
  // Compiled first: V8's reason is the better one for a module that is not valid.
  const module = compile(prepared.bytes, options.name);
  if (prepared.kind === "unprepared") {
    // Read again, as the maxima of memories and tables have moved what follows them.
    const { prepared: original } = await prepare(bytes, options);
    const { unknown } = original.kind === "unprepared" ? original : prepared;
    const reason = `${options.name}: its limits cannot be enforced because of ` +
      whereUnknown(unknown);
    if (!options.unlimited) {
      throw new CapsuleError("LOAD", `${reason}; -unlimited runs it without any`);
    }
    options.warn(`${reason}; it runs without -timeout, -slice and -maxMemory`);
  }
  const named = {
    imports: WebAssembly.Module.imports(module),
    exports: WebAssembly.Module.exports(module),
  };
  if (prepared.kind !== "prepared") withName(options.name, () => refuseReservedNames(named));
  const kind = kindOf(named, options);
  if (options.reuse && kind === "command") {
    options.warn(
      `-reuse does nothing with ${options.name}: a program ends, and the next request starts it anew`,
    );
  }
  return createBlueprint({
    module,
    kind,
    isolation: kind === "command" ? "new instance" : isolationOf(prepared, options),
    globalExports: prepared.kind === "prepared"
      ? prepared.globals.map((global) => global.exportName)
      : [],
    counterExport: prepared.kind === "prepared" ? prepared.counterExport : undefined,
    memory: {
      ...memoryNeeds(shared, prepared),
      // A single call has the heap to itself.
      usesHeap: options.manyCalls && (await import("../prepare/uses_heap.ts")).usesHeap(bytes),
    },
    source: sourceOf(shared.bytes, { prepared, settings, by: shared.bytes.length - bytes.length }),
  });
}

function whereUnknown({ what, opcode, offset }: UnpreparedModule["unknown"]): string {
  return `${what}${opcode && ` (${opcode})`} at offset 0x${offset.toString(16)}`;
}

/** Modules above this size are not kept, so their offsets cannot be translated. */
const maxSourceBytes = 8 << 20;

function sourceOf(
  bytes: Uint8Array<ArrayBuffer>,
  { prepared, settings, by }: Preparation & { by: number },
): ModuleSource {
  if (prepared.kind !== "prepared") {
    return { kind: "shifted", by: by + prepared.bytes.length - bytes.length };
  }
  return settings === undefined || bytes.length > maxSourceBytes
    ? { kind: "unknown" }
    : { kind: "rewritten", by, bytes, options: settings };
}

/** A module without slices and time limit, which is called once. */
interface UnchangedModule {
  readonly kind: "unchanged";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A prepared module, and the settings with which the rewriter prepared it. */
interface Preparation {
  readonly prepared: PreparationResult | UnchangedModule;
  readonly settings: PrepareOptions | undefined;
}

/** An instance whose growth is not counted counts with its maximum. */
function memoryNeeds(
  { initialBytes, maximumBytes, tableBytes }: SharedMemory,
  prepared: PreparationResult | UnchangedModule,
): Omit<MemoryNeeds, "usesHeap"> {
  const isCounted = prepared.kind === "prepared" && prepared.growth !== "uncounted";
  const memoryBytes = isCounted ? initialBytes : maximumBytes;
  return { initialBytes: memoryBytes + tableBytes, fixedBytes: tableBytes };
}

function isolationOf(
  prepared: PreparationResult | UnchangedModule,
  options: LoadOptions,
): Isolation {
  if (options.reuse) return "reuse";
  const isReset = prepared.kind === "prepared" && prepared.cannotReset.length === 0 &&
    options.manyCalls;
  return isReset ? "reset" : "new instance";
}

/** Prepares the module; imports the rewriter only if it is needed. */
async function prepare(
  bytes: Uint8Array<ArrayBuffer>,
  options: LoadOptions,
): Promise<Preparation> {
  const steps = options.steps && canPause;
  if (options.manyCalls || steps) return await rewrite(bytes, options, steps);
  return { prepared: { kind: "unchanged", bytes }, settings: undefined };
}

async function rewrite(
  bytes: Uint8Array<ArrayBuffer>,
  { name, manyCalls, reuse }: LoadOptions,
  steps: boolean,
): Promise<Preparation> {
  const { prepareScanned, scanModule } = await import("../prepare/prepare.ts");
  const scanned = withName(name, () => scanModule(bytes));
  const resets = manyCalls && !reuse;
  const settings = {
    // A program ends with its instance, which is never reset.
    exportGlobals: resets && !isProgram(scanned.layout.description.exports),
    quietExit: manyCalls,
    countGrowth: manyCalls,
    steps,
  };
  const prepareWith = (startMemos?: PrepareOptions["startMemos"]) => {
    const all = { ...settings, startMemos };
    return { prepared: withName(name, () => prepareScanned(scanned, all)), settings: all };
  };
  if (!resets) return prepareWith();
  const recording = prepareWith("record");
  const { prepared } = recording;
  if (prepared.kind === "unprepared" || prepared.memoCalls === 0) return recording;
  const { recordStart } = await import("../wasm/record_start.ts");
  return prepareWith(recordStart(compile(prepared.bytes, name)));
}

/** Puts the module's name before the message of an error. */
function withName<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CapsuleError) throw new CapsuleError("LOAD", `${name}: ${error.message}`);
    throw error;
  }
}

/** Compiles synchronously: nothing else runs while a function starts, and this is quicker. */
function compile(bytes: Uint8Array, name: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new CapsuleError(
      "LOAD",
      `${name} is not a valid WebAssembly module: ${messageOf(error)}`,
    );
  }
}
