import { growImport, PAGES_EXPORT } from "./contract.ts";
import { Kind } from "./scan/events.ts";
import { EMPTY_BLOCK, Op } from "./format/instructions.ts";
import type { Layout } from "./format/layout.ts";
import { bytesOf } from "./format/writer.ts";
import { GROW } from "./plan/added_names.ts";
import type { AddedFunction, Edits } from "./plan/edits.ts";
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
  { events }: Code,
  asksHost: boolean,
): boolean {
  const { memories, imports } = description;
  const [memory] = memories;
  if (!memory || memories.length > 1) return false;
  if (memory.limits.is64 || memory.limits.shared) return false;
  for (const { kind } of imports) if (kind === "memory") return false;
  const kinds = events.kinds.subarray(0, events.length);
  if (!kinds.includes(Kind.memoryGrow)) return false;
  const { marks } = edits.code;
  for (const kind of [Kind.memorySize, Kind.memoryGrow]) {
    for (let event = kinds.indexOf(kind); event >= 0; event = kinds.indexOf(kind, event + 1)) {
      marks[event] = (marks[event] ?? 0) | Mark.visiblePages;
    }
  }
  edits.globals.push({ name: PAGES_EXPORT, initial: memory.limits.min });
  if (asksHost) edits.imports.push(growImport);
  edits.functions.push(growFunction(asksHost));
  return true;
}

/**
 * spare = memory.size - pages;
 * if (pages_more > spare && memory.grow(grow(pages_more - spare)) == -1) return -1;
 * pages += pages_more; return what it was before
 */
const growFunction = (asksHost: boolean): AddedFunction => ({
  name: GROW,
  type: { params: ["i32"], results: ["i32"] },
  body: ({ functions, globals }) => {
    const ask = asksHost ? [Op.call, functions.get(growImport.name) ?? 0] : [];
    const pages = globals.get(PAGES_EXPORT) ?? 0;
    const more = 0;
    const spare = 1;
    const minusOne = 0x7f;
    // deno-fmt-ignore
    return bytesOf(
      1, 1, 0x7f,
      Op.memorySize, 0, Op.globalGet, pages, Op.i32Sub, Op.localSet, spare,
      Op.localGet, more, Op.localGet, spare, Op.i32GreaterUnsigned,
      Op.if, EMPTY_BLOCK,
      Op.localGet, more, Op.localGet, spare, Op.i32Sub, ...ask, Op.memoryGrow, 0,
      Op.i32Const, minusOne, Op.i32Equal,
      Op.if, EMPTY_BLOCK, Op.i32Const, minusOne, Op.return, Op.end,
      Op.end,
      Op.globalGet, pages,
      Op.globalGet, pages, Op.localGet, more, Op.i32Add, Op.globalSet, pages,
      Op.end,
    );
  },
});
