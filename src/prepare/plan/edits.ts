import type { AddedImport } from "../contract.ts";
import type { CodePlan } from "./marks.ts";
import type { FunctionType } from "../format/value_types.ts";

/** A function that is appended to the module; `body` gets the indices that the rewriting has given to all additions. */
export interface AddedFunction {
  name: string;
  type: FunctionType;
  body: (indices: AddedIndices) => Uint8Array;
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
  /** Calls, by their events, that go to an added function instead. */
  calls: Map<number, string>;
  exports: { name: string; kind: "global" | "memory"; index: number }[];
  /** Lowers the maximum of each memory to this many pages. */
  maxMemoryPages: number | undefined;
  code: CodePlan;
}

/** Where the additions are in the rewritten module. */
export interface AddedIndices {
  /** Function indices by name, imports and functions alike. */
  functions: ReadonlyMap<string, number>;
  /** Global indices by name. */
  globals: ReadonlyMap<string, number>;
  /** By how much the index of each defined function has grown. */
  shift: number;
}
