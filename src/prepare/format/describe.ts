import type { FunctionType, ValueType } from "./value_types.ts";

/** Size of a memory in pages of 64 KiB, or of a table in elements. */
export interface Limits {
  min: number;
  max: number | undefined;
  /** True for 64-bit addresses. */
  is64: boolean;
  shared: boolean;
}

/** An imported, exported or defined item; `type` is undefined when its kind is unknown. */
export type Extern =
  | { kind: "function"; type: FunctionType | undefined }
  | { kind: "table"; element: ValueType; limits: Limits }
  | { kind: "memory"; limits: Limits }
  | { kind: "global"; type: ValueType; mutable: boolean }
  | { kind: "tag"; type: FunctionType | undefined };

/** One import. */
export type ImportDescription = Extern & { module: string; name: string };

/** One export; `index` counts the items of its kind, imported ones first. */
export interface ExportDescription {
  kind: Extern["kind"];
  name: string;
  index: number;
  /** Of a function whose type is known. */
  type?: FunctionType;
}

/** Everything about a module that can be known without its code. */
export interface ModuleDescription {
  imports: ImportDescription[];
  exports: ExportDescription[];
  /** Imported ones first, as in `tables` and `globals`. */
  memories: (Extern & { kind: "memory" })[];
  tables: (Extern & { kind: "table" })[];
  globals: (Extern & { kind: "global" })[];
  /** Number of all functions, imported ones included. */
  functionCount: number;
  /** Index of the function that runs while the module is instantiated. */
  start: number | undefined;
  /** Names of the custom sections, in the order of the file. */
  customSections: string[];
}
