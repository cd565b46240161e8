import { Kind } from "../scan/events.ts";
import { BulkOp, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { memoryBytes } from "../format/memory_accesses.ts";
import { startFunction } from "../quiet_exit.ts";
import type { Code } from "../scan/code.ts";
import { walkInstructions } from "../scan/walk_instructions.ts";

/**
 * A call in the body of `_start` that can be memoised: while it runs only functions that reach no
 * import and no table, do not grow the memory and have integers for parameters and results, it has
 * the same effect for the same parameters, globals and bytes of memory. Most functions can also
 * call something else, such as a runtime's panic; a recording ends there.
 *
 * Why memoise: much of a TinyGo module's `_start` lists the free memory of its heap, with the same
 * result each time, and `_start` runs before each call. The start as a whole cannot be skipped, as
 * it asks the host for random numbers. A memo compares its inputs at every start, so it is a fact
 * about code, not a guess (bench: `in-process`, hello-http).
 */
export interface MemoCall {
  /** Event of the call. */
  event: number;
  /** Index of the callee. */
  callee: number;
  /** Indices of the functions that the call may run, its callee first. */
  functions: number[];
  /** Indices of the globals that they use. */
  globals: number[];
}

/** Bounds of the search, above what a runtime's first steps need. */
const maxCalls = 8;
const maxFunctions = 16;

const allowedEvents: ReadonlySet<number> = new Set<number>([
  Kind.block,
  Kind.loop,
  Kind.if,
  Kind.else,
  Kind.end,
  Kind.br,
  Kind.brIf,
  Kind.brTable,
  Kind.return,
  Kind.unreachable,
  Kind.call,
  Kind.bulk,
]);

/**
 * Returns the calls of `_start` that are worth a memo, as they run a loop, in order of the file.
 */
export function findMemoCalls(layout: Layout, code: Code): MemoCall[] {
  const { importedFunctions, description } = layout;
  const start = startFunction(layout);
  const [memory, ...others] = description.memories;
  if (start === undefined || !memory || others.length > 0) return [];
  if (memory.limits.is64 || memory.limits.shared) return [];
  const found: MemoCall[] = [];
  const { events, functions } = code;
  const last = functions.firstEvent[start - importedFunctions + 1] ?? 0;
  for (let event = functions.firstEvent[start - importedFunctions] ?? 0; event < last; event++) {
    if (events.kind(event) !== Kind.call || found.length === maxCalls) continue;
    const call = memoCall(layout, code, { event, callee: events.argument(event) });
    if (call) found.push(call);
  }
  return found;
}

function memoCall(
  layout: Layout,
  code: Code,
  { event, callee }: Pick<MemoCall, "event" | "callee">,
): MemoCall | undefined {
  const type = layout.types[layout.functionTypes.at(callee)];
  if (!type || [...type.params, ...type.results].some((it) => !isInteger(it))) return undefined;
  const functions: number[] = [];
  const globals = new Set<number>();
  const seen = [callee];
  let hasLoop = false;
  for (const index of seen) {
    const found = followable(layout, code, index);
    if (!found) continue;
    if (functions.push(index) > maxFunctions) return undefined;
    hasLoop ||= found.hasLoop;
    for (const global of found.globals) globals.add(global);
    for (const called of found.calls) if (!seen.includes(called)) seen.push(called);
  }
  return hasLoop && functions[0] === callee
    ? { event, callee, functions, globals: [...globals] }
    : undefined;
}

/** Returns what a function calls and uses; undefined if it, or an import, cannot be memoised. */
function followable(
  layout: Layout,
  code: Code,
  index: number,
): { calls: Set<number>; globals: Set<number>; hasLoop: boolean } | undefined {
  const { importedFunctions, description } = layout;
  if (index < importedFunctions) return undefined;
  const { events, functions } = code;
  const found = { calls: new Set<number>(), globals: new Set<number>(), hasLoop: false };
  const last = functions.firstEvent[index - importedFunctions + 1] ?? 0;
  for (let event = functions.firstEvent[index - importedFunctions] ?? 0; event < last; event++) {
    const kind = events.kind(event);
    if (!allowedEvents.has(kind)) return undefined;
    found.hasLoop ||= kind === Kind.loop;
    if (kind === Kind.call) found.calls.add(events.argument(event));
  }
  let isKnown = true;
  walkInstructions(layout, code, index, ({ opcode, second, immediates }) => {
    if (opcode === Op.globalGet || opcode === Op.globalSet) {
      const global = immediates().u32("global");
      isKnown &&= isInteger(description.globals[global]?.type);
      found.globals.add(global);
    } else if (opcode === Op.bulkPrefix) {
      isKnown &&= second < BulkOp.memoryInit || second === BulkOp.memoryCopy ||
        second === BulkOp.memoryFill;
    } else if (memoryBytes(opcode) === 0) {
      // Numbers and locals, but no references, vectors or later proposals.
      isKnown &&= opcode < Op.tableGet || (opcode >= Op.i32Const && opcode < Op.refNull);
    }
  });
  return isKnown ? found : undefined;
}

function isInteger(type: string | undefined): boolean {
  return type === "i32" || type === "i64";
}
