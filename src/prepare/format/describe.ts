import type { FunctionType, ValueType } from "./value_types.ts";

/** Numbers of a memory in pages of 64 KiB, of a table in elements. */
export interface Limits {
  min: number;
  max: number | undefined;
  /** Addressed by 64-bit numbers. */
  is64: boolean;
  shared: boolean;
}

/** A thing that is imported, exported or defined; a function's type is undefined when it is of an unknown kind. */
export type Extern =
  | { kind: "function"; type: FunctionType | undefined }
  | { kind: "table"; element: ValueType; limits: Limits }
  | { kind: "memory"; limits: Limits }
  | { kind: "global"; type: ValueType; mutable: boolean }
  | { kind: "tag"; type: FunctionType | undefined };

export type ImportDescription = Extern & { module: string; name: string };

/** `index` counts the things of that kind, imported ones first. */
export interface ExportDescription {
  kind: Extern["kind"];
  name: string;
  index: number;
  /** Of a function whose type is known. */
  type?: FunctionType;
}

export interface ModuleDescription {
  imports: ImportDescription[];
  exports: ExportDescription[];
  /** Imported ones first, as in the three below. */
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
