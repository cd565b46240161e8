import { CapsuleError } from "../base/errors.ts";
import type { ModuleKind } from "../wasm/instance.ts";

/** The export that is called in each mode. */
export const handlerExport = { cli: "callHandle", http: "callHandleHttp" } as const;

/** Handlers of Capsule, also of later ones: what has one was not meant to be a program. */
const anyHandler = /^callHandle/;
/** Host functions return their results in memory that they ask the guest for. */
const hostFunction = /^(?:host|redis)[A-Z]/;

interface Named {
  readonly name: string;
  readonly kind: string;
}

/** What a module asks for and offers. */
export interface Interface {
  readonly imports: readonly Named[];
  readonly exports: readonly Named[];
}

/** Whether a module is a WASI program, and no function of any Capsule. */
export function isProgram(exports: readonly Named[]): boolean {
  const names = exports.filter((it) => it.kind === "function").map((it) => it.name);
  return names.includes("_start") && !names.some((name) => anyHandler.test(name));
}

/**
 * What a module is by its exports: a function when it has the mode's handler, a program when it has `_start` and no handler.
 *
 * @throws CapsuleError `LOAD` with what it lacks.
 */
export function kindOf(
  { exports, imports }: Interface,
  { name, mode }: { readonly name: string; readonly mode: "cli" | "http" },
): ModuleKind {
  const isFunction = has(exports, "function", handlerExport[mode]);
  if (!isFunction && !isProgram(exports)) throw unfit(name, whatIsMissing(exports, mode));
  if (!has(exports, "memory", "memory")) {
    throw unfit(name, `does not export its memory under the name "memory"`);
  }
  const getsResults = isFunction || imports.some((it) => hostFunction.test(it.name));
  if (getsResults && !has(exports, "function", "allocateBuffer")) {
    throw unfit(name, `does not export "allocateBuffer", which the host needs to give it results`);
  }
  return isFunction ? "function" : "command";
}

function has(exports: readonly Named[], kind: string, name: string): boolean {
  return exports.some((it) => it.name === name && it.kind === kind);
}

function unfit(name: string, sentence: string): CapsuleError {
  return new CapsuleError("LOAD", `${name} ${sentence}`);
}

function whatIsMissing(exports: readonly Named[], mode: "cli" | "http"): string {
  const isMissing = `does not export "${
    handlerExport[mode]
  }", the handler that -mode=${mode} calls`;
  const other = mode === "cli" ? "http" : "cli";
  if (has(exports, "function", handlerExport[other])) {
    return `${isMissing}: it can be used with -mode=${other}`;
  }
  const later = exports.find((it) => it.kind === "function" && anyHandler.test(it.name));
  return later
    ? `${isMissing}: its "${later.name}" is a handler of a later Capsule`
    : `is neither a function nor a program: it ${isMissing}, nor "_start", with which a WASI program begins`;
}
