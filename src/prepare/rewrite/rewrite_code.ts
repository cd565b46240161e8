import type { AddedIndices, Edits } from "../plan/edits.ts";
import { METADATA_PREFIX, type Moves } from "./moves.ts";
import { Ints } from "../format/ints.ts";
import { codeSection, type Layout } from "../format/layout.ts";
import { Mark } from "../plan/marks.ts";
import { hex, UnknownConstruct } from "../format/reader.ts";
import type { Code } from "../scan/scan.ts";
import { InstructionWriter } from "./write_instructions.ts";
import { Writer } from "../format/writer.ts";

/** The code of the rewritten module, and what sections that point into it need to know. */
export interface RewrittenCode {
  /** Content of the code section. */
  content: Uint8Array<ArrayBuffer>;
  moves: Moves;
}

/** What V8 allows in one function (its limits of bytes and of locals): https://webassembly.github.io/spec/js-api/#limits. */
const maxBodyBytes = 7_654_321;
const maxLocals = 50_000;

/** Throws `UnknownConstruct` when a function would come to be larger than V8 allows. */
export function rewriteCode(
  layout: Layout,
  code: Code,
  edits: Edits,
  indices: AddedIndices,
): RewrittenCode {
  const { functions } = code;
  const out = new Writer(layout.bytes.length * 1.25 + 1024);
  const moves: Moves = { distances: undefined, checks: new Ints() };
  for (const name of layout.description.customSections) {
    if (name.startsWith(METADATA_PREFIX)) moves.distances ??= new Ints();
  }
  const instructions = new InstructionWriter(out, { layout, code, edits, indices, moves });
  const section = codeSection(layout);
  const defined = functions.length - 1;
  out.u32(
    defined + edits.functions.length,
    defined > 0 && section ? (functions.sizeAt[0] ?? 0) - section.start : 1,
  );
  for (let index = 0; index < defined; index++) {
    const sizeAt = functions.sizeAt[index] ?? 0;
    const start = functions.start[index] ?? 0;
    const marks = marksOf(code, edits, index);
    if (marks === 0 && edits.imports.length === 0 && edits.calls.size === 0) {
      out.span(layout.bytes, sizeAt, functions.sizeAt[index + 1] ?? 0);
      continue;
    }
    const bodyAt = out.begin(start - sizeAt);
    instructions.write(
      index,
      (marks & Mark.chargeBulk) === 0 ? undefined : temporary(layout, code, index),
    );
    if (out.length - bodyAt > maxBodyBytes) throw tooLarge(start, `${out.length - bodyAt} bytes`);
    out.end(bodyAt, start - sizeAt);
  }
  for (const { body } of edits.functions) {
    const bodyAt = out.begin(1);
    out.bytes(body(indices));
    out.end(bodyAt, 1);
  }
  return { content: out.finish(), moves };
}

/** All bits that are set for a function. */
function marksOf({ functions }: Code, { code: { marks } }: Edits, index: number): number {
  let all = 0;
  const last = functions.firstEvent[index + 1] ?? 0;
  for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
    all |= marks[event] ?? 0;
  }
  return all;
}

/** Index of an i32 local that is added to a function. */
function temporary(
  { types, functionTypes, importedFunctions }: Layout,
  { functions }: Code,
  index: number,
): number {
  const type = types[functionTypes.at(importedFunctions + index)];
  const local = (type?.params.length ?? 0) + (functions.locals[index] ?? 0);
  if (local >= maxLocals) throw tooLarge(functions.start[index] ?? 0, `${local + 1} locals`);
  return local;
}

function tooLarge(offset: number, size: string): UnknownConstruct {
  return new UnknownConstruct(
    hex(0),
    offset,
    `a function that with checks has ${size}, more than V8 allows`,
  );
}
