import { growImport, PAGES_EXPORT, pagesImport } from "./contract.ts";
import { Kind } from "./scan/events.ts";
import { EMPTY_BLOCK, Op } from "./format/instructions.ts";
import type { Layout } from "./format/layout.ts";
import { bytesOf } from "./format/writer.ts";
import { GROW } from "./plan/added_names.ts";
import type { AddedFunction, AddedIndices, Edits } from "./plan/edits.ts";
import { Mark } from "./plan/marks.ts";
import type { Code } from "./scan/code.ts";

/**
 * Lets a reset undo the growth of a memory, which WebAssembly cannot: the size that the guest sees
 * becomes a global, which a reset restores. `memory.size` reads it, and `memory.grow` grows the
 * memory only by the pages that it lacks. Between the two sizes, where a fresh instance would trap,
 * the guest finds zeros.
 *
 * With `asksHost` the host is asked before the memory grows.
 *
 * Does nothing to a module that cannot grow its memory, imports it, or has another kind of memory
 * than one of 32-bit addresses. Returns whether it did anything.
 */
export function trackVisiblePages(
  edits: Edits,
  { description }: Layout,
  code: Code,
  asksHost: boolean,
): boolean {
  for (const { kind } of description.imports) if (kind === "memory") return false;
  const min = initialPages(description);
  if (min === undefined || !markGrowth(edits, code, [Kind.memorySize, Kind.memoryGrow])) {
    return false;
  }
  edits.globals.push({ name: PAGES_EXPORT, initial: min });
  if (asksHost) edits.imports.push(growImport);
  const grow = growFunction(asksHost, ({ globals }) => {
    const pages = globals.get(PAGES_EXPORT) ?? 0;
    return {
      get: [Op.globalGet, pages],
      add: [
        ...[Op.globalGet, pages],
        ...[Op.globalGet, pages, Op.localGet, more, Op.i32Add, Op.globalSet, pages],
      ],
    };
  });
  edits.functions.push(grow);
  return true;
}

/**
 * Does what `trackVisiblePages` does for a module of several that share one memory: the host keeps
 * the size that they see. Returns whether it did anything.
 */
export function trackSharedPages(edits: Edits, code: Code, asksHost: boolean): boolean {
  if (!markKinds(edits, code, [Kind.memorySize, Kind.memoryGrow])) return false;
  edits.imports.push(pagesImport);
  if (!code.events.kinds.subarray(0, code.events.length).includes(Kind.memoryGrow)) return true;
  if (asksHost) edits.imports.push(growImport);
  const grow = growFunction(asksHost, ({ functions }) => {
    const pages = functions.get(pagesImport.name) ?? 0;
    return {
      get: [Op.i32Const, 0, Op.call, pages],
      add: [Op.localGet, more, Op.call, pages],
    };
  });
  edits.functions.push(grow);
  return true;
}

/**
 * Asks the host before a memory grows that several modules use, whose size cannot be hidden.
 *
 * Does nothing to a module that cannot grow its memory, or has another kind of memory than one of
 * 32-bit addresses. Returns whether it did anything.
 */
export function countSharedGrowth(edits: Edits, { description }: Layout, code: Code): boolean {
  if (initialPages(description) === undefined) return false;
  if (!markGrowth(edits, code, [Kind.memoryGrow])) return false;
  edits.imports.push(growImport);
  edits.functions.push(askingGrowFunction);
  return true;
}

/** Returns the initial pages of the only memory, if it has 32-bit addresses and one thread. */
function initialPages({ memories }: Layout["description"]): number | undefined {
  const [memory] = memories;
  if (!memory || memories.length > 1 || memory.limits.is64 || memory.limits.shared) {
    return undefined;
  }
  return memory.limits.min;
}

/** Marks the instructions to replace. Returns false and marks none if no code grows the memory. */
function markGrowth(edits: Edits, code: Code, replaced: number[]): boolean {
  const { events } = code;
  if (!events.kinds.subarray(0, events.length).includes(Kind.memoryGrow)) return false;
  return markKinds(edits, code, replaced);
}

/** Marks the instructions to replace. Returns whether there are any. */
function markKinds({ code: { marks } }: Edits, { events }: Code, replaced: number[]): boolean {
  const kinds = events.kinds.subarray(0, events.length);
  let found = false;
  for (const kind of replaced) {
    for (let event = kinds.indexOf(kind); event >= 0; event = kinds.indexOf(kind, event + 1)) {
      marks[event] = (marks[event] ?? 0) | Mark.visiblePages;
      found = true;
    }
  }
  return found;
}

/** memory.grow(grow(pages_more)) */
const askingGrowFunction: AddedFunction = {
  name: GROW,
  type: { params: ["i32"], results: ["i32"] },
  body: ({ functions }) => {
    const ask = functions.get(growImport.name) ?? 0;
    return bytesOf(0, Op.localGet, 0, Op.call, ask, Op.memoryGrow, 0, Op.end);
  },
};

/** Locals of the function that grows the memory. */
const more = 0;
const spare = 1;

/**
 * Instructions that read the visible pages, and that add `more` to them and return the number
 * before.
 */
interface PagesCode {
  readonly get: readonly number[];
  readonly add: readonly number[];
}

/**
 * spare = memory.size - pages;
 * if (pages_more > spare && memory.grow(grow(pages_more - spare)) == -1) return -1;
 * pages += pages_more; return what it was before
 */
const growFunction = (
  asksHost: boolean,
  pagesIn: (indices: AddedIndices) => PagesCode,
): AddedFunction => ({
  name: GROW,
  type: { params: ["i32"], results: ["i32"] },
  body: (indices) => {
    const ask = asksHost ? [Op.call, indices.functions.get(growImport.name) ?? 0] : [];
    const pages = pagesIn(indices);
    const minusOne = 0x7f;
    // deno-fmt-ignore
    return bytesOf(
      1, 1, 0x7f,
      Op.memorySize, 0, ...pages.get, Op.i32Sub, Op.localSet, spare,
      Op.localGet, more, Op.localGet, spare, Op.i32GreaterUnsigned,
      Op.if, EMPTY_BLOCK,
      Op.localGet, more, Op.localGet, spare, Op.i32Sub, ...ask, Op.memoryGrow, 0,
      Op.i32Const, minusOne, Op.i32Equal,
      Op.if, EMPTY_BLOCK, Op.i32Const, minusOne, Op.return, Op.end,
      Op.end,
      ...pages.add,
      Op.end,
    );
  },
});
