import type { AddedIndices, Edits } from "../plan/edits.ts";
import { Copier } from "./copier.ts";
import { codeSection, type Layout } from "../format/layout.ts";
import { UnknownConstruct } from "../format/reader.ts";
import { Mark } from "../plan/marks.ts";
import { BULK_IS_64, Kind } from "../scan/events.ts";
import type { Code } from "../scan/code.ts";
import { InstructionWriter, type Temporaries } from "./write_instructions.ts";
import { Writer } from "../format/writer.ts";

// V8's limits of one function (https://webassembly.github.io/spec/js-api/#limits).
const maxBodyBytes = 7_654_321;
const maxLocals = 50_000;

/**
 * Returns the content of the code section with all edits made. Throws `UnknownConstruct` when a
 * function exceeds V8's limits even with the smallest checks.
 */
export function rewriteCode(
  layout: Layout,
  code: Code,
  edits: Edits,
  indices: AddedIndices,
): Uint8Array<ArrayBuffer> {
  const { functions } = code;
  const { bytes } = layout;
  const out = new Writer(bytes.length * 1.25 + 1024);
  const copier = new Copier(out, bytes, edits.spans);
  const instructions = new InstructionWriter(copier, { layout, code, edits, indices });
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
      out.span(bytes, sizeAt, functions.sizeAt[index + 1] ?? 0);
      continue;
    }
    const bodyAt = out.begin(start - sizeAt);
    const needsLocals = (marks & (Mark.chargeBulk | Mark.hostWait)) !== 0;
    const locals = needsLocals ? temporaries(layout, code, edits, index) : new Map();
    copier.bodyAt = bodyAt;
    const spans = edits.spans?.length ?? 0;
    instructions.write(index, locals);
    for (const form of ["plain", "compact"] as const) {
      if (out.length - bodyAt <= maxBodyBytes) break;
      simplifyChecks(code, edits, { index, form });
      out.length = bodyAt;
      if (edits.spans) edits.spans.length = spans;
      instructions.write(index, locals, form === "compact");
    }
    if (out.length - bodyAt > maxBodyBytes) throw tooLarge(start, `${out.length - bodyAt} bytes`);
    out.end(bodyAt, start - sizeAt);
  }
  for (const { body } of edits.functions) {
    const bodyAt = out.begin(1);
    out.bytes(body(indices));
    out.end(bodyAt, 1);
  }
  return out.finish();
}

/**
 * Makes the checks of a function that is too large smaller: `plain` loops are neither unrolled nor
 * split, and in `compact` ones the check is always made.
 */
function simplifyChecks(
  { functions }: Code,
  { code: { marks } }: Edits,
  { index, form }: { index: number; form: "plain" | "compact" },
): void {
  const last = functions.firstEvent[index + 1] ?? 0;
  for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
    let mark = (marks[event] ?? 0) & ~(Mark.unroll | Mark.split);
    if (form === "compact" && (mark & Mark.checkedBranch) !== 0) {
      mark = (mark & ~Mark.checkedBranch) | Mark.check;
    }
    marks[event] = mark;
  }
}

/** Returns the union of the marks of a function. */
function marksOf({ functions }: Code, { code: { marks } }: Edits, index: number): number {
  let all = 0;
  const last = functions.firstEvent[index + 1] ?? 0;
  for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
    all |= marks[event] ?? 0;
  }
  return all;
}

/** Returns the indices of the locals that a function needs for its edits. */
function temporaries(
  layout: Layout,
  code: Code,
  { code: { marks } }: Edits,
  index: number,
): Temporaries {
  const { types, functionTypes, importedFunctions } = layout;
  const { functions, events } = code;
  const type = types[functionTypes.at(importedFunctions + index)];
  let local = (type?.params.length ?? 0) + (functions.locals[index] ?? 0);
  const found = new Map<"i32" | "i64", number>();
  const last = functions.firstEvent[index + 1] ?? 0;
  for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
    if (((marks[event] ?? 0) & (Mark.chargeBulk | Mark.hostWait)) === 0) continue;
    const isLong = events.kind(event) === Kind.wait || (events.argument(event) & BULK_IS_64) !== 0;
    const needed = isLong ? "i64" : "i32";
    if (!found.has(needed)) found.set(needed, local++);
  }
  if (local > maxLocals) throw tooLarge(functions.start[index] ?? 0, `${local} locals`);
  return found;
}

function tooLarge(offset: number, size: string): UnknownConstruct {
  return new UnknownConstruct(
    "",
    offset,
    `a function that with checks has ${size}, more than V8 allows,`,
  );
}
