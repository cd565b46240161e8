import { CapsuleError } from "../../base/errors.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import type { Section } from "../format/sections.ts";
import { Writer } from "../format/writer.ts";
import type { AddedIndices } from "../plan/edits.ts";

/** A change of function indices. */
export interface Renumbering {
  layout: Layout;
  indices: AddedIndices;
}

/** Subsections (https://webassembly.github.io/spec/core/appendix/custom.html#name-section). */
const subsection = { functions: 1, locals: 2, labels: 3 } as const;

/**
 * Returns the content of a `name` section with functions renumbered and the added ones named, or
 * undefined when the section is malformed: the engine ignores such a section.
 *
 * Label names are left out: they number the blocks of a function, to which checks add, and no
 * engine shows them.
 */
export function renumberNames(section: Section, renumbering: Renumbering): Uint8Array | undefined {
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

/** Writes the names of functions in the order of their indices: added imports come in between. */
function writeFunctionNames(
  out: Writer,
  reader: Reader,
  { layout, indices }: Renumbering,
): void {
  const at = reader.at;
  const count = reader.count("function names");
  // In the order of their indices: imports were added first.
  const added = [...indices.functions];
  out.u32(count + added.length, reader.at - at);
  for (let left = count; left > 0; left--) {
    const start = reader.at;
    const index = reader.u32("function index");
    const moved = index < layout.importedFunctions ? index : index + indices.shift;
    writeAdded(out, added, moved);
    out.u32(moved, reader.at - start);
    const nameAt = reader.at;
    reader.skip(reader.u32("length of a name"), "name");
    out.span(reader.bytes, nameAt, reader.at);
  }
  writeAdded(out, added, Infinity);
}

/** Writes and removes the first of `added`, those with an index below `before`. */
function writeAdded(out: Writer, added: [name: string, index: number][], before: number): void {
  for (let [first] = added; first && first[1] < before; [first] = added) {
    out.u32(first[1]);
    out.name(first[0]);
    added.shift();
  }
}

function writeLocalNames(out: Writer, reader: Reader, { layout, indices }: Renumbering): void {
  const at = reader.at;
  const count = reader.count("functions with local names");
  out.u32(count, reader.at - at);
  for (let left = count; left > 0; left--) {
    const start = reader.at;
    const index = reader.u32("function index");
    const moved = index < layout.importedFunctions ? index : index + indices.shift;
    out.u32(moved, reader.at - start);
    const namesAt = reader.at;
    for (let names = reader.count("local names"); names > 0; names--) {
      reader.skipLeb(5, "local index");
      reader.skip(reader.u32("length of a name"), "name");
    }
    out.span(reader.bytes, namesAt, reader.at);
  }
}
