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
  const has = (wanted: string) => exports.some((it) => it.name === wanted && it.kind === "function");
  const fail = (sentence: string): never => {
    throw new CapsuleError("LOAD", `${name} ${sentence}`);
  };
  const handler = handlerExport[mode];
  const isFunction = has(handler);
  if (!isFunction && !isProgram(exports)) {
    const isMissing = `does not export "${handler}", the handler that -mode=${mode} calls`;
    const other = mode === "cli" ? "http" : "cli";
    if (has(handlerExport[other])) fail(`${isMissing}: it can be used with -mode=${other}`);
    const later = exports.find((it) => it.kind === "function" && anyHandler.test(it.name));
    if (later) fail(`${isMissing}: its "${later.name}" is a handler of a later Capsule`);
    fail(
      `is neither a function nor a program: it ${isMissing}, nor "_start", with which a WASI program begins`,
    );
  }
  if (!exports.some((it) => it.name === "memory" && it.kind === "memory")) {
    fail(`does not export its memory under the name "memory"`);
  }
  const getsResults = isFunction || imports.some((it) => hostFunction.test(it.name));
  if (getsResults && !has("allocateBuffer")) {
    fail(`does not export "allocateBuffer", which the host needs to give it results`);
  }
  return isFunction ? "function" : "command";
}
