import { PREPARE_MODULE, recordImports } from "../contract.ts";
import type { AddedFunction, AddedIndices, Edits } from "../plan/edits.ts";
import { BulkOp, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import type { MemoCall } from "./calls.ts";
import { memoryBytes, storedType } from "../format/memory_accesses.ts";
import { Reader } from "../format/reader.ts";
import type { Code } from "../scan/code.ts";
import { type ValueType, valueTypeCode } from "../format/value_types.ts";
import { walkInstructions } from "../scan/walk_instructions.ts";
import { Writer } from "../format/writer.ts";

/**
 * Makes each of `calls` report its accesses to the host, by running copies of its functions that
 * do. The host is called in this order: `begin`; `note` for each parameter and global; `run`;
 * `read` and `write` before each access, and `turn` for each iteration of a loop; `note` for each
 * global and result; `end`. A call of a function that cannot be memoised calls `leave`, which must
 * not return.
 */
export function recordCalls(
  edits: Edits,
  layout: Layout,
  code: Code,
  calls: readonly MemoCall[],
): void {
  if (calls.length === 0) return;
  edits.imports.push(...Object.values(recordImports));
  const copied = new Set<number>();
  calls.forEach((call, place) => {
    const name = `${PREPARE_MODULE}.record.${place}`;
    edits.calls.set(call.event, name);
    edits.functions.push(recording(name, layout, call, place));
    for (const index of call.functions) copied.add(index);
  });
  for (const index of copied) edits.functions.push(copyOf(layout, code, index));
}

function copyName(index: number): string {
  return `${PREPARE_MODULE}.copy.${index}`;
}

/**
 * Returns a function that notes its inputs, calls the copy of the callee, and notes the outputs.
 */
function recording(name: string, layout: Layout, call: MemoCall, place: number): AddedFunction {
  const { params, results } = layout.types[layout.functionTypes.at(call.callee)] ??
    { params: [], results: [] };
  const body = ({ functions }: AddedIndices): Uint8Array => {
    const out = new Writer(128);
    const callImport = (it: { name: string }) => {
      out.byte(Op.call);
      out.u32(functions.get(it.name) ?? 0);
    };
    const note = (opcode: number, index: number, type: ValueType | undefined) => {
      out.byte(opcode);
      out.u32(index);
      if (type === "i32") out.byte(Op.i64ExtendUnsigned);
      callImport(recordImports.note);
    };
    const noteGlobals = () => {
      for (const index of call.globals) {
        note(Op.globalGet, index, layout.description.globals[index]?.type);
      }
    };
    out.u32(results.length);
    for (const type of results) out.bytes([1, valueTypeCode(type)]);
    out.byte(Op.i32Const);
    out.s32(place);
    callImport(recordImports.begin);
    params.forEach((type, index) => note(Op.localGet, index, type));
    noteGlobals();
    callImport(recordImports.run);
    params.forEach((_, index) => out.bytes([Op.localGet, index]));
    callImport({ name: copyName(call.callee) });
    const local = (result: number) => params.length + result;
    for (let result = results.length - 1; result >= 0; result--) {
      out.bytes([Op.localSet, local(result)]);
    }
    noteGlobals();
    results.forEach((type, result) => note(Op.localGet, local(result), type));
    callImport(recordImports.end);
    results.forEach((_, result) => out.bytes([Op.localGet, local(result)]));
    out.byte(Op.end);
    return out.finish();
  };
  return { name, type: { params, results }, body };
}

/** Returns a copy of a function that reports every load and store before it. */
function copyOf(layout: Layout, code: Code, index: number): AddedFunction {
  const { bytes, importedFunctions, types, functionTypes } = layout;
  const { functions } = code;
  const defined = index - importedFunctions;
  const { params, results } = types[functionTypes.at(index)] ?? { params: [], results: [] };
  const body = (indices: AddedIndices): Uint8Array => {
    const out = new Writer(
      4 * ((functions.sizeAt[defined + 1] ?? 0) - (functions.start[defined] ?? 0)) + 64,
    );
    const locals = new Reader(bytes, functions.start[defined] ?? 0);
    out.u32(locals.u32("groups of locals") + temporaries.length);
    out.span(bytes, locals.at, functions.codeStart[defined] ?? 0);
    for (const type of temporaries) out.bytes([1, valueTypeCode(type)]);
    const first = params.length + (functions.locals[defined] ?? 0);
    const local = (opcode: number, temporary: number) => {
      out.byte(opcode);
      out.u32(first + temporary);
    };
    const call = (name: string) => {
      out.byte(Op.call);
      out.u32(indices.functions.get(name) ?? 0);
    };
    const constant = (value: number) => {
      out.byte(Op.i32Const);
      out.s32(value);
    };
    /** Reports an access to the address on the stack, which stays there. */
    const report = (name: string, offset: number, size: () => void) => {
      local(Op.localTee, Temporary.address);
      local(Op.localGet, Temporary.address);
      constant(offset);
      size();
      call(name);
    };
    walkInstructions(layout, code, index, ({ opcode, second, at, end, immediates }) => {
      const size = memoryBytes(opcode);
      if (opcode === Op.call) {
        const name = copyName(immediates().u32("function"));
        if (indices.functions.has(name)) return call(name);
        call(recordImports.leave.name);
        return out.byte(Op.unreachable);
      }
      if (size > 0) {
        const reader = immediates();
        if ((reader.u32("alignment") & 0x40) !== 0) reader.u32("memory index");
        const offset = reader.u32("offset");
        const stored = storedType(opcode);
        const value = stored ? temporaryOf[stored] ?? 0 : 0;
        if (stored) local(Op.localSet, value);
        report(
          stored ? recordImports.write.name : recordImports.read.name,
          offset,
          () => constant(size),
        );
        if (stored) local(Op.localGet, value);
      } else if (opcode === Op.bulkPrefix && second >= BulkOp.memoryCopy) {
        const length = () => local(Op.localGet, Temporary.length);
        local(Op.localSet, Temporary.length);
        if (second === BulkOp.memoryCopy) report(recordImports.read.name, 0, length);
        local(Op.localSet, Temporary.source);
        report(recordImports.write.name, 0, length);
        local(Op.localGet, Temporary.source);
        length();
      }
      out.span(bytes, at, end);
      if (opcode === Op.loop) call(recordImports.turn.name);
    });
    return out.finish();
  };
  return { name: copyName(index), type: { params, results }, body };
}

const temporaries: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i64", "f32", "f64"];
const Temporary = { address: 0, source: 1, length: 2, i32: 3, i64: 4, f32: 5, f64: 6 } as const;
const temporaryOf: Partial<Record<ValueType, number>> = Temporary;
