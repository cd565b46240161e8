import type { CoreFuncType } from "../format/syntax.ts";
import type { FuncType } from "../types/types.ts";
import { layoutOf, recordLayout, type ValueLayout } from "./layout.ts";

/** More flattened parameters than these are passed in memory. */
export const maxFlatParams = 16;
/** More flattened results than this are returned in memory. */
export const maxFlatResults = 1;

/** The shape of a function at the boundary to core WebAssembly, for the synchronous ABI. */
export interface FlatSignature {
  readonly params: ValueLayout & { readonly offsets: readonly number[] };
  readonly result: ValueLayout | undefined;
  /** Parameters are passed as one pointer to their record. */
  readonly paramsInMemory: boolean;
  /** The result is returned through a pointer. */
  readonly resultInMemory: boolean;
}

/** Returns how parameters and results of a function are passed. */
export function flatSignature({ params, result }: FuncType): FlatSignature {
  const paramsLayout = recordLayout(params.map(({ type }) => type));
  const resultLayout = result && layoutOf(result);
  return {
    params: paramsLayout,
    result: resultLayout,
    paramsInMemory: paramsLayout.flat.length > maxFlatParams,
    resultInMemory: resultLayout !== undefined && resultLayout.flat.length > maxFlatResults,
  };
}

/**
 * Returns the core type of a function: lifted, it is what the component exports; lowered, what it
 * imports, with a pointer parameter for a result in memory.
 */
export function coreFuncType(type: FuncType, context: "lift" | "lower"): CoreFuncType {
  const { params, result, paramsInMemory, resultInMemory } = flatSignature(type);
  const flatParams = paramsInMemory ? ["i32"] : [...params.flat];
  if (!resultInMemory) return { params: flatParams, results: result?.flat ?? [] };
  return context === "lift"
    ? { params: flatParams, results: ["i32"] }
    : { params: [...flatParams, "i32"], results: [] };
}
