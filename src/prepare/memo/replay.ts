import { PREPARE_MODULE } from "../contract.ts";
import type { AddedFunction, AddedIndices, Edits } from "../plan/edits.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import type { MemoCall } from "./calls.ts";
import { Writer } from "../format/writer.ts";

/** Adjacent bytes of memory. */
export interface Span {
  at: number;
  bytes: Uint8Array;
}

/**
 * The inputs and effects of one call, as they were recorded. With the same inputs it has the same
 * effects. Numbers are 64-bit BigInts, an i32 as unsigned.
 */
export interface CallMemo {
  /** Index of the call in the result of `findMemoCalls`. */
  place: number;
  /** Values of its parameters, then of the globals that it uses. */
  before: bigint[];
  /** Values of these globals afterwards, then its results. */
  after: bigint[];
  /** Memory that it read before writing to it. */
  reads: Span[];
  /** Memory that it wrote. */
  writes: Span[];
}

/**
 * Makes each call with a memo compare its inputs first, and apply the effects if they are the same:
 *
 *     if (((parameter ^ 1) | (global ^ 2) | (memory[3] ^ 4) | …) == 0) { memory[5] = 6; global = 7;
 * return 8 }
 *     return callee(parameter)
 */
export function replayCalls(
  edits: Edits,
  layout: Layout,
  { calls, memos }: { calls: readonly MemoCall[]; memos: readonly CallMemo[] },
): void {
  for (const memo of memos) {
    const call = calls[memo.place];
    if (!call) continue;
    const name = `${PREPARE_MODULE}.replay.${memo.place}`;
    edits.calls.set(call.event, name);
    edits.functions.push(replaying(name, layout, { call, memo }));
  }
}

function replaying(
  name: string,
  layout: Layout,
  { call, memo }: { call: MemoCall; memo: CallMemo },
): AddedFunction {
  const { params, results } = layout.types[layout.functionTypes.at(call.callee)] ??
    { params: [], results: [] };
  const { globals } = layout.description;
  const body = ({ shift }: AddedIndices): Uint8Array => {
    const out = new Writer(1024);
    const constant = (type: string | undefined, value = 0n) => {
      out.byte(type === "i32" ? Op.i32Const : Op.i64Const);
      if (type === "i32") out.s32(Number(BigInt.asIntN(32, value)));
      else out.s64(value);
    };
    /** Ors the difference between the i64 on the stack and `expected` into the i64 below it. */
    const compare = (expected = 0n) => {
      if (expected !== 0n) {
        constant("i64", expected);
        out.byte(Op.i64Xor);
      }
      out.byte(Op.i64Or);
    };
    const compareNumber = (
      opcode: number,
      index: number,
      type: string | undefined,
      expected?: bigint,
    ) => {
      out.byte(opcode);
      out.u32(index);
      if (type === "i32") out.byte(Op.i64ExtendUnsigned);
      compare(expected);
    };
    out.byte(0);
    constant("i64");
    params.forEach((type, index) => compareNumber(Op.localGet, index, type, memo.before[index]));
    call.globals.forEach((index, place) =>
      compareNumber(Op.globalGet, index, globals[index]?.type, memo.before[params.length + place])
    );
    for (const { at, word, value } of wordsOf(memo.reads)) {
      out.bytes([Op.i32Const, 0, word.load, 0]);
      out.u32(at);
      compare(value);
    }
    out.bytes([Op.i64Eqz, Op.if, EMPTY_BLOCK]);
    for (const { at, word, value } of wordsOf(memo.writes)) {
      out.bytes([Op.i32Const, 0]);
      constant("i64", value);
      out.bytes([word.store, 0]);
      out.u32(at);
    }
    call.globals.forEach((index, place) => {
      if (!globals[index]?.mutable) return;
      constant(globals[index].type, memo.after[place]);
      out.byte(Op.globalSet);
      out.u32(index);
    });
    results.forEach((type, index) => constant(type, memo.after[call.globals.length + index]));
    out.bytes([Op.return, Op.end]);
    params.forEach((_, index) => out.bytes([Op.localGet, index]));
    out.byte(Op.call);
    out.u32(call.callee + shift);
    out.byte(Op.end);
    return out.finish();
  };
  return { name, type: { params, results }, body };
}

/** Opcodes that load an i64 from `bytes` bytes and store it there. */
const words = [
  { bytes: 8, load: 0x29, store: 0x37 },
  { bytes: 4, load: 0x35, store: 0x3e },
  { bytes: 2, load: 0x33, store: 0x3d },
  { bytes: 1, load: 0x31, store: 0x3c },
] as const;

/** Yields spans as the fewest words; values are signed for 8 bytes, else unsigned. */
function* wordsOf(spans: readonly Span[]) {
  for (const { at, bytes } of spans) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = 0;
    for (const word of words) {
      for (; bytes.length - offset >= word.bytes; offset += word.bytes) {
        yield { at: at + offset, word, value: valueAt(view, offset, word.bytes) };
      }
    }
  }
}

function valueAt(view: DataView, offset: number, bytes: 1 | 2 | 4 | 8): bigint {
  if (bytes === 8) return view.getBigInt64(offset, true);
  if (bytes === 4) return BigInt(view.getUint32(offset, true));
  return BigInt(bytes === 2 ? view.getUint16(offset, true) : view.getUint8(offset));
}
