import { Op } from "../../src/prepare/format/instructions.ts";
import {
  type FunctionType,
  type ValueType,
  valueTypeCode,
} from "../../src/prepare/format/value_types.ts";
import { Writer } from "../../src/prepare/format/writer.ts";
import type { SuiteValue } from "./wasm_suite.ts";

/** Bytes between the operands in memory. */
const stride = 16;
/** Offset of the results. */
const resultsAt = 4096;

/** Opcodes that load and store a value, without the prefix of vectors. */
const accesses: Partial<Record<ValueType, { load: readonly number[]; store: readonly number[] }>> =
  {
    i32: { load: [0x28], store: [0x36] },
    i64: { load: [0x29], store: [0x37] },
    f32: { load: [0x2a], store: [0x38] },
    f64: { load: [0x2b], store: [0x39] },
    v128: { load: [Op.vectorPrefix, 0], store: [Op.vectorPrefix, 11] },
  };

/**
 * Calls functions of numbers and vectors with exact bits: an adapter in WebAssembly loads the
 * arguments from its memory and stores the results there. NaNs in results count as equal.
 */
export class BitCaller {
  readonly #adapters = new Map<unknown, { run: () => void; memory: WebAssembly.Memory }>();

  /** Calls `call` and returns its results as text. Throws what it throws. */
  call(call: unknown, signature: FunctionType, args: readonly SuiteValue[]): string {
    let adapter = this.#adapters.get(call);
    if (!adapter) {
      const module = new WebAssembly.Module(adapterFor(signature));
      const { exports } = new WebAssembly.Instance(module, { "": { "": call as never } });
      adapter = exports as never as { run: () => void; memory: WebAssembly.Memory };
      this.#adapters.set(call, adapter);
    }
    const view = new DataView(adapter.memory.buffer);
    args.forEach((arg, index) => writeValue(view, index * stride, arg));
    adapter.run();
    return signature.results.map((type, index) => readValue(view, resultsAt + index * stride, type))
      .join(" ");
  }
}

/** Returns a module that imports a function and exports `run` and `memory`. */
function adapterFor({ params, results }: FunctionType): Uint8Array<ArrayBuffer> {
  const code = new Writer(256);
  code.bytes([results.length, ...results.flatMap((type) => [1, valueTypeCode(type)])]);
  params.forEach((type, index) => {
    code.bytes([Op.i32Const, 0, ...accesses[type]?.load ?? [], 0]);
    code.u32(index * stride);
  });
  code.bytes([Op.call, 0]);
  for (let index = results.length - 1; index >= 0; index--) code.bytes([Op.localSet, index]);
  results.forEach((type, index) => {
    code.bytes([Op.i32Const, 0, Op.localGet, index, ...accesses[type]?.store ?? [], 0]);
    code.u32(resultsAt + index * stride);
  });
  code.byte(Op.end);
  const body = code.finish();
  const out = new Writer(512);
  const section = (id: number, write: () => void) => {
    out.byte(id);
    const start = out.begin(1);
    write();
    out.end(start, 1);
  };
  out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(1, () => {
    out.bytes([2, 0x60, params.length, ...params.map(valueTypeCode)]);
    out.bytes([results.length, ...results.map(valueTypeCode), 0x60, 0, 0]);
  });
  section(2, () => out.bytes([1, 0, 0, 0, 0]));
  section(3, () => out.bytes([1, 1]));
  section(5, () => out.bytes([1, 0, 1]));
  section(7, () => {
    out.byte(2);
    out.name("run");
    out.bytes([0, 1]);
    out.name("memory");
    out.bytes([2, 0]);
  });
  section(10, () => {
    out.byte(1);
    out.u32(body.length);
    out.bytes(body);
  });
  return out.finish();
}

function writeValue(view: DataView, at: number, { type, value, lane_type }: SuiteValue): void {
  const lanes = Array.isArray(value) ? value : [value];
  const bits = Number((lane_type ?? type).slice(1));
  lanes.forEach((lane, index) => {
    const number = BigInt.asUintN(bits, BigInt(String(lane)));
    for (let byte = 0; byte < bits / 8; byte++) {
      view.setUint8(at + index * bits / 8 + byte, Number(number >> BigInt(8 * byte) & 0xffn));
    }
  });
}

/** Formats a value; a vector as its bits, with any NaN of 32 or 64 bits in it replaced. */
function readValue(view: DataView, at: number, type: ValueType): string {
  switch (type) {
    case "i32":
      return String(view.getInt32(at, true));
    case "i64":
      return `${view.getBigInt64(at, true)}n`;
    case "f32":
      return number(view.getFloat32(at, true));
    case "f64":
      return number(view.getFloat64(at, true));
    default:
      return [0, 4, 8, 12].map((offset) => {
        const isNaN64 = Number.isNaN(view.getFloat64(at + (offset & 8), true));
        const isNaN32 = Number.isNaN(view.getFloat32(at + offset, true));
        return isNaN64 || isNaN32 ? "nan" : view.getUint32(at + offset, true).toString(16);
      }).join(",");
  }
}

function number(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
