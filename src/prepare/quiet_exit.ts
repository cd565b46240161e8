import { Kind } from "./scan/events.ts";
import type { Layout } from "./format/layout.ts";
import type { Code } from "./scan/scan.ts";

const wasiModules = ["wasi_snapshot_preview1", "wasi_unstable"];

/**
 * The calls of `proc_exit` (numbers of events) in the body of `_start`. The host ends such a call by throwing, which costs microseconds;
 * in the body of a function that only the host calls, noting the code and returning is the same.
 */
export function findQuietExits(layout: Layout, code: Code): number[] {
  const found: number[] = [];
  const start = startFunction(layout);
  const exit = procExit(layout);
  if (start !== undefined && exit !== undefined && !isUsedElsewhere(start, layout, code)) {
    const { functions } = code;
    const defined = start - layout.importedFunctions;
    const last = functions.firstCall[defined + 1] ?? 0;
    for (let place = functions.firstCall[defined] ?? 0; place < last; place++) {
      if (callee(code, place) === exit) found.push(code.calls.at(place));
    }
  }
  return found;
}

/** Index of the defined function that is exported as `_start` and takes and gives nothing. */
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
  // It is one of the exported functions, once.
  let uses = -1;
  for (const list of [exported, referenced, code.referenced]) {
    for (let item = 0; item < list.length; item++) if (list.at(item) === start) uses++;
  }
  if (uses > 0) return true;
  for (let place = 0; place < code.calls.length; place++) {
    if (callee(code, place) === start) return true;
  }
  return false;
}

/** The function that a call names; undefined for one through a table. */
function callee({ calls, events }: Code, place: number): number | undefined {
  const event = calls.at(place);
  const kind = events.kinds[event];
  return kind === Kind.call || kind === Kind.returnCall ? events.arguments[event] : undefined;
}
