import { codecOf, type CoreValue, FlatReader, type Value } from "../abi/codec.ts";
import { type AbiContext, allocate, checkRange } from "../abi/context.ts";
import { type CallingConvention, type FlatSignature, flatSignature } from "../abi/flatten.ts";
import type { FuncType } from "../types/types.ts";

/** Moves parameters and results of one function between core values and values. */
export class CallCodec {
  readonly type: Pick<FuncType, "params" | "result">;
  readonly signature: FlatSignature;

  constructor(type: Pick<FuncType, "params" | "result">, convention: CallingConvention) {
    this.type = type;
    this.signature = flatSignature(type, convention);
  }

  /** Lifts the arguments that core code passes to an import. */
  liftParams(cx: AbiContext, flat: FlatReader): Value[] {
    const { params } = this.type;
    if (!this.signature.paramsInMemory) {
      return params.map(({ type }) => codecOf(type).lift(cx, flat));
    }
    const pointer = flat.u32();
    const { offsets } = this.signature.params;
    checkRange(cx, pointer, this.signature.params);
    return params.map(({ type }, index) => codecOf(type).load(cx, pointer + (offsets[index] ?? 0)));
  }

  /** Lowers arguments for a call of core code. */
  lowerParams(cx: AbiContext, args: readonly Value[]): CoreValue[] {
    const { params } = this.type;
    const flat: CoreValue[] = [];
    if (!this.signature.paramsInMemory) {
      for (const [index, { type }] of params.entries()) codecOf(type).lower(cx, args[index], flat);
      return flat;
    }
    const { size, alignment, offsets } = this.signature.params;
    const pointer = allocate(cx, size, alignment);
    for (const [index, { type }] of params.entries()) {
      codecOf(type).store(cx, args[index], pointer + (offsets[index] ?? 0));
    }
    return [pointer];
  }

  /** Lifts the result of core code. */
  liftResult(cx: AbiContext, returned: CoreValue | undefined): Value {
    const { result } = this.type;
    const layout = this.signature.result;
    if (!result || !layout) return undefined;
    const codec = codecOf(result);
    if (!this.signature.resultInMemory) {
      return codec.lift(cx, new FlatReader(returned === undefined ? [] : [returned]));
    }
    const pointer = Number(returned) >>> 0;
    checkRange(cx, pointer, layout);
    return codec.load(cx, pointer);
  }

  /** Lowers the result of an import: into memory at the last parameter, or as a core value. */
  lowerResult(cx: AbiContext, result: Value, flat: FlatReader): CoreValue | undefined {
    const type = this.type.result;
    const layout = this.signature.result;
    if (!type || !layout) return undefined;
    const codec = codecOf(type);
    if (this.signature.resultInMemory) {
      const pointer = flat.u32();
      checkRange(cx, pointer, layout);
      codec.store(cx, result, pointer);
      return undefined;
    }
    const lowered: CoreValue[] = [];
    codec.lower(cx, result, lowered);
    return lowered[0];
  }
}
