import type { AddedIndices } from "../plan/edits.ts";
import type { Ints } from "../format/ints.ts";
import { CapsuleError } from "../../base/errors.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import type { Moves } from "./moves.ts";
import type { Code } from "../scan/scan.ts";
import type { Section } from "../format/sections.ts";
import { Writer } from "../format/writer.ts";

/** What a section that names functions must follow. */
export interface Renumbering {
  layout: Layout;
  /** Number of functions that are imported in addition. */
  shift: number;
  indices: AddedIndices;
}

/**
 * The content of a `name` section with function indices put right and the added functions named. Returns undefined when
 * the section is malformed: the engine ignores such a section, so it may go.
 *
 * Label names are left out: they number the blocks of a function, checks are blocks, and no engine shows them.
 */
export function rewriteNames(section: Section, renumbering: Renumbering): Uint8Array | undefined {
  const reader = new Reader(renumbering.layout.bytes, section.content, section.end);
  const out = new Writer(section.end - section.content + 256);
  try {
    while (!reader.done) {
      const id = reader.byte("subsection");
      const at = reader.at;
      const size = reader.u32("size of a subsection");
      const sizeWidth = reader.at - at;
      const start = reader.at;
      reader.skip(size, "subsection");
      const inside = new Reader(reader.bytes, start, reader.at);
      if (id === subsection.labels) continue;
      out.byte(id);
      const content = out.begin(sizeWidth);
      if (id === subsection.functions) writeFunctionNames(out, inside, renumbering);
      else if (id === subsection.locals) writeLocalNames(out, inside, renumbering);
      else out.span(reader.bytes, start, reader.at);
      out.end(content, sizeWidth);
    }
  } catch (error) {
    if (error instanceof CapsuleError) return undefined;
    throw error;
  }
  return out.finish();
}

/** https://webassembly.github.io/spec/core/appendix/custom.html#name-section and, for labels, the extended name section. */
const subsection = { functions: 1, locals: 2, labels: 3 } as const;

/** The map of function names is sorted by index: imports that are added stand between the others and the first defined function. */
function writeFunctionNames(
  out: Writer,
  reader: Reader,
  { layout, shift, indices }: Renumbering,
): void {
  const at = reader.at;
  const count = reader.count("function names");
  // In the order of their indices: imports were added first.
  const added = [...indices.functions];
  out.u32(count + added.length, reader.at - at);
  for (let left = count; left > 0; left--) {
    const start = reader.at;
    const index = reader.u32("function index");
    const moved = index < layout.importedFunctions ? index : index + shift;
    writeAdded(out, added, moved);
    out.u32(moved, reader.at - start);
    const nameAt = reader.at;
    reader.skip(reader.u32("length of a name"), "name");
    out.span(reader.bytes, nameAt, reader.at);
  }
  writeAdded(out, added, Infinity);
}

/** Writes the first of `added`, those with an index below `before`, and takes them away. */
function writeAdded(out: Writer, added: [name: string, index: number][], before: number): void {
  for (let [first] = added; first && first[1] < before; [first] = added) {
    out.u32(first[1]);
    out.name(first[0]);
    added.shift();
  }
}

function writeLocalNames(out: Writer, reader: Reader, { layout, shift }: Renumbering): void {
  const at = reader.at;
  const count = reader.count("functions with local names");
  out.u32(count, reader.at - at);
  for (let left = count; left > 0; left--) {
    const start = reader.at;
    const index = reader.u32("function index");
    out.u32(index < layout.importedFunctions ? index : index + shift, reader.at - start);
    const namesAt = reader.at;
    for (let names = reader.count("local names"); names > 0; names--) {
      reader.skipLeb(5, "local index");
      reader.skip(reader.u32("length of a name"), "name");
    }
    out.span(reader.bytes, namesAt, reader.at);
  }
}

/** Notes on instructions by function: for each, offset from the start of the body and a few bytes. */
type Notes = Map<number, { offset: number; data: Uint8Array }[]>;

/** The section that says which way a branch mostly goes. */
export const BRANCH_HINTS = "metadata.code.branch_hint";

/**
 * The content of a `metadata.code.*` section, following the instructions to where they are now. Into branch hints go those of
 * the checks, which hardly ever fire: the engine then keeps them out of the way of the loop.
 */
export function rewriteCodeMetadata(
  section: Section,
  hints: Ints | undefined,
  context: Renumbering & { code: Code; moves: Moves },
): Uint8Array | undefined {
  const first = context.layout.importedFunctions + context.shift;
  const notes: Notes = new Map();
  try {
    readNotes(notes, section, context);
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    notes.clear();
  }
  for (let item = 0; hints && item < hints.length; item += 2) {
    add(notes, hints.at(item) + first, {
      offset: hints.at(item + 1),
      data: new Uint8Array([unlikely]),
    });
  }
  if (notes.size === 0) return undefined;
  const out = new Writer(notes.size * 16);
  out.u32(notes.size);
  for (const [index, list] of [...notes].sort(([a], [b]) => a - b)) {
    list.sort((a, b) => a.offset - b.offset);
    out.u32(index);
    out.u32(list.length);
    for (const { offset, data } of list) {
      out.u32(offset);
      out.u32(data.length);
      out.bytes(data);
    }
  }
  return out.finish();
}

/** The hint that a branch is hardly ever taken. */
const unlikely = 0;

/**
 * The content of a section of branch hints for the checks alone, which come in the order of the code; `first` is the index
 * of the first defined function.
 */
export function writeHints(hints: Ints, first: number): Uint8Array {
  let functions = 0;
  for (let item = 0; item < hints.length; item += 2) {
    if (item === 0 || hints.at(item) !== hints.at(item - 2)) functions++;
  }
  const out = new Writer(hints.length * 4 + 64);
  out.u32(functions);
  for (let item = 0; item < hints.length;) {
    const index = hints.at(item);
    let next = item;
    while (next < hints.length && hints.at(next) === index) next += 2;
    out.u32(index + first);
    out.u32((next - item) / 2);
    for (; item < next; item += 2) {
      out.u32(hints.at(item + 1));
      out.byte(1);
      out.byte(unlikely);
    }
  }
  return out.finish();
}

function add(notes: Notes, index: number, note: { offset: number; data: Uint8Array }): void {
  const list = notes.get(index);
  if (list) list.push(note);
  else notes.set(index, [note]);
}

function readNotes(
  notes: Notes,
  section: Section,
  { layout, shift, code, moves }: Renumbering & { code: Code; moves: Moves },
): void {
  const reader = new Reader(layout.bytes, section.content, section.end);
  for (let functions = reader.count("functions"); functions > 0; functions--) {
    const index = reader.u32("function index") - layout.importedFunctions;
    const isKnown = index >= 0 && index < code.functions.length - 1;
    for (let left = reader.count("notes"); left > 0; left--) {
      const offset = reader.u32("offset");
      const size = reader.u32("size");
      const data = reader.bytes.subarray(reader.at, reader.at + size);
      reader.skip(size, "note");
      if (!isKnown) continue;
      const start = code.functions.start[index] ?? 0;
      const moved = offset + distance(moves.distances, start, start + offset);
      add(notes, index + layout.importedFunctions + shift, { offset: moved, data });
    }
  }
}

/** How far the byte at `offset` of the old file moved inside of the function that starts at `start`. */
function distance(distances: Ints | undefined, start: number, offset: number): number {
  if (!distances) return 0;
  let low = 0;
  let high = distances.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (distances.at(middle * 2) <= offset) low = middle + 1;
    else high = middle;
  }
  const found = low - 1;
  return found >= 0 && distances.at(found * 2) >= start ? distances.at(found * 2 + 1) : 0;
}
