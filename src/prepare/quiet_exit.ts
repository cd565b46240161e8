import { Kind } from "./scan/events.ts";
import type { Layout } from "./format/layout.ts";
import type { Code } from "./scan/code.ts";

const wasiModules = ["wasi_snapshot_preview1", "wasi_unstable"];

/**
 * Returns the events of the calls of `proc_exit` in the body of `_start`. The host ends the guest
 * there by a throw, which is slow; in a function that only the host calls, to note the code and
 * return has the same effect (bench: `in-process`).
 */
export function findQuietExits(layout: Layout, code: Code): number[] {
  const found: number[] = [];
  const start = startFunction(layout);
  const exit = procExit(layout);
  if (start === undefined || exit === undefined || isUsedElsewhere(start, layout, code)) {
    return found;
  }
  const { functions } = code;
  const defined = start - layout.importedFunctions;
  const last = functions.firstCall[defined + 1] ?? 0;
  for (let call = functions.firstCall[defined] ?? 0; call < last; call++) {
    if (callee(code, call) === exit) found.push(code.calls.at(call));
  }
  return found;
}

/**
 * Returns the index of the defined function that is exported as `_start` and has neither parameters
 * nor results; undefined without one.
 */
export function startFunction({ description, importedFunctions }: Layout): number | undefined {
  for (const { name, kind, type, index } of description.exports) {
    if (name !== "_start" || kind !== "function") continue;
    if (!type || index < importedFunctions) return undefined;
    return type.params.length + type.results.length === 0 ? index : undefined;
  }
  return undefined;
}

function procExit({ description }: Layout): number | undefined {
  let index = 0;
  for (const item of description.imports) {
    if (item.kind !== "function") continue;
    if (item.name === "proc_exit" && wasiModules.includes(item.module)) {
      const isUsual = item.type && `${item.type.params}>${item.type.results}` === "i32>";
      return isUsual ? index : undefined;
    }
    index++;
  }
  return undefined;
}

function isUsedElsewhere(
  start: number,
  { description, reachableFromOutside }: Layout,
  code: Code,
): boolean {
  const { exported, referenced } = reachableFromOutside;
  if (description.start === start) return true;
  // It is exported once.
  let uses = -1;
  for (const list of [exported, referenced, code.referenced]) {
    for (let item = 0; item < list.length; item++) if (list.at(item) === start) uses++;
  }
  if (uses > 0) return true;
  for (let call = 0; call < code.calls.length; call++) {
    if (callee(code, call) === start) return true;
  }
  return false;
}

/** Returns the function that a call names; undefined for a call through a table or a reference. */
function callee({ calls, events }: Code, call: number): number | undefined {
  const event = calls.at(call);
  const kind = events.kinds[event];
  return kind === Kind.call || kind === Kind.returnCall ? events.arguments[event] : undefined;
}
