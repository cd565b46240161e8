import type { AddedImport } from "../contract.ts";
import type { Ints } from "../format/ints.ts";
import type { CodePlan } from "./marks.ts";
import type { FunctionType } from "../format/value_types.ts";

/** A function that is appended to the module; `body` is called once all additions have indices. */
export interface AddedFunction {
  name: string;
  type: FunctionType;
  body: (indices: AddedIndices) => Uint8Array;
  /** Name under which it is exported, if it is. */
  exportName?: string;
}

/** A mutable i32 global that is appended to the module and exported under its name. */
export interface AddedGlobal {
  name: string;
  initial: number;
}

/** Everything that a rewriting adds or changes. Nothing at all leaves the bytes as they are. */
export interface Edits {
  imports: AddedImport[];
  functions: AddedFunction[];
  globals: AddedGlobal[];
  /** Calls, by their events, that lead to an added function instead. */
  calls: Map<number, string>;
  exports: { name: string; kind: "global" | "memory"; index: number }[];
  code: CodePlan;
  /** Receives the spans of code that are copied: old offset, new offset in the body, length. */
  spans: Ints | undefined;
}

/** Indices of the additions in the rewritten module. */
export interface AddedIndices {
  /** Function indices by name, imports and functions alike. */
  functions: ReadonlyMap<string, number>;
  /** Global indices by name. */
  globals: ReadonlyMap<string, number>;
  /** Number by which the index of each defined function has grown. */
  shift: number;
}
