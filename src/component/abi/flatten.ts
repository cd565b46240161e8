import type { CoreFuncType } from "../format/syntax.ts";
import type { FuncType } from "../types/types.ts";
import { layoutOf, recordLayout, type ValueLayout } from "./layout.ts";

/** More flattened parameters than these are passed in memory. */
export const maxFlatParams = 16;
/** More flattened parameters of an asynchronous import than these are passed in memory. */
const maxFlatAsyncParams = 4;
/** More flattened results than this are returned in memory. */
const maxFlatResults = 1;

/**
 * Convention by which core code is called (lift) or calls (lower), with the synchronous or the
 * asynchronous ABI. An asynchronous lift passes its result to `task.return`.
 */
export type CallingConvention =
  | "lift"
  | "lower"
  | "callback lift"
  | "stackful lift"
  | "async lower";

/** The shape of a function at the boundary to core WebAssembly. */
export interface FlatSignature {
  readonly params: ValueLayout & { readonly offsets: readonly number[] };
  readonly result: ValueLayout | undefined;
  /** Parameters are passed as one pointer to their record. */
  readonly paramsInMemory: boolean;
  /** The result is returned through a pointer. */
  readonly resultInMemory: boolean;
}

/** Returns how parameters and results of a function are passed. */
export function flatSignature(
  { params, result }: Pick<FuncType, "params" | "result">,
  convention: CallingConvention,
): FlatSignature {
  const paramsLayout = recordLayout(params.map(({ type }) => type));
  const resultLayout = result && layoutOf(result);
  const isAsyncLift = convention === "callback lift" || convention === "stackful lift";
  const maxParams = convention === "async lower" ? maxFlatAsyncParams : maxFlatParams;
  const maxResults = convention === "async lower"
    ? 0
    : isAsyncLift
    ? maxFlatParams
    : maxFlatResults;
  return {
    params: paramsLayout,
    result: resultLayout,
    paramsInMemory: paramsLayout.flat.length > maxParams,
    resultInMemory: resultLayout !== undefined && resultLayout.flat.length > maxResults,
  };
}

/**
 * Returns the core type of a function: lifted, it is what the component exports; lowered, what it
 * imports, with a pointer parameter for a result in memory.
 */
export function coreFuncType(type: FuncType, convention: CallingConvention): CoreFuncType {
  const { params, result, paramsInMemory, resultInMemory } = flatSignature(type, convention);
  const flatParams = paramsInMemory ? ["i32"] : [...params.flat];
  switch (convention) {
    case "lift":
      return { params: flatParams, results: resultInMemory ? ["i32"] : result?.flat ?? [] };
    case "lower":
      return resultInMemory
        ? { params: [...flatParams, "i32"], results: [] }
        : { params: flatParams, results: result?.flat ?? [] };
    case "callback lift":
      return { params: flatParams, results: ["i32"] };
    case "stackful lift":
      return { params: flatParams, results: [] };
    case "async lower":
      return { params: result ? [...flatParams, "i32"] : flatParams, results: ["i32"] };
  }
}
