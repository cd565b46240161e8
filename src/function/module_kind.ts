import { CapsuleError } from "../base/errors.ts";
import type { ModuleKind } from "../wasm/blueprint.ts";

/** Name of the handler that each mode calls. */
export const handlerExport = { cli: "callHandle", http: "callHandleHttp" } as const;

/** Handlers of this and of later Capsules. A module with one is not a program. */
const anyHandler = /^callHandle/;
/** Host functions whose results are written to memory that the guest allocates. */
const hostFunction = /^(?:host|redis)[A-Z]/;

interface Named {
  readonly name: string;
  readonly kind: string;
}

/** Imports and exports of a module. */
export interface ModuleInterface {
  readonly imports: readonly Named[];
  readonly exports: readonly Named[];
}

/** Reports whether a module is a WASI program, and not a function of any Capsule. */
export function isProgram(exports: readonly Named[]): boolean {
  const names = exports.filter((it) => it.kind === "function").map((it) => it.name);
  return names.includes("_start") && !names.some((name) => anyHandler.test(name));
}

/**
 * Returns the kind of a module: a function if it exports the mode's handler, a program if it
 * exports `_start` and no handler.
 *
 * @throws CapsuleError `LOAD` with the missing export.
 */
export function kindOf(
  { exports, imports }: ModuleInterface,
  { name, mode }: { readonly name: string; readonly mode: "cli" | "http" },
): ModuleKind {
  const isFunction = has(exports, "function", handlerExport[mode]);
  if (!isFunction && !isProgram(exports)) throw unfit(name, missingHandler(exports, mode));
  if (!has(exports, "memory", "memory")) {
    throw unfit(name, `does not export its memory under the name "memory"`);
  }
  const getsResults = isFunction || imports.some((it) => hostFunction.test(it.name));
  if (getsResults && !has(exports, "function", "allocateBuffer")) {
    throw unfit(name, `does not export "allocateBuffer", which the host needs to return results`);
  }
  return isFunction ? "function" : "command";
}

function has(exports: readonly Named[], kind: string, name: string): boolean {
  return exports.some((it) => it.name === name && it.kind === kind);
}

function unfit(name: string, sentence: string): CapsuleError {
  return new CapsuleError("LOAD", `${name} ${sentence}`);
}

function missingHandler(exports: readonly Named[], mode: "cli" | "http"): string {
  const isMissing = `does not export "${
    handlerExport[mode]
  }", the handler that -mode=${mode} calls`;
  const other = mode === "cli" ? "http" : "cli";
  if (has(exports, "function", handlerExport[other])) {
    return `${isMissing}: it can be used with -mode=${other}`;
  }
  const later = exports.find((it) => it.kind === "function" && anyHandler.test(it.name));
  const lifted = exports.find((it) => /^[a-z0-9-]+:[^#]+#/.test(it.name));
  if (lifted) {
    return `is the core module of a component, to which "${lifted.name}" belongs: build it for ` +
      "wasm32-wasip2, or make the component with wasm-tools component new";
  }
  return later
    ? `${isMissing}: its "${later.name}" is a handler of a later Capsule`
    : `is neither a function nor a program: it ${isMissing}, nor "_start", with which a WASI program begins`;
}
