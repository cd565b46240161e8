/**
 * A decoded component before validation: indices are not resolved.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */

/** The sort of a core item. */
export type CoreSort =
  | "core func"
  | "core table"
  | "core memory"
  | "core global"
  | "core tag"
  | "core type"
  | "core module"
  | "core instance";

/** The sort of an item; each sort has its own index space. */
export type Sort = CoreSort | "func" | "value" | "type" | "component" | "instance";

/** A definition of a component, in the order of the file. */
export type Definition =
  & (
    | { readonly kind: "core module"; readonly bytes: Uint8Array<ArrayBuffer> }
    | { readonly kind: "core instance"; readonly instance: CoreInstanceSyntax }
    | { readonly kind: "core type"; readonly type: CoreTypeSyntax }
    | { readonly kind: "component"; readonly component: ComponentSyntax }
    | { readonly kind: "instance"; readonly instance: InstanceSyntax }
    | { readonly kind: "alias"; readonly alias: AliasSyntax }
    | { readonly kind: "type"; readonly type: TypeSyntax }
    | { readonly kind: "canon"; readonly canon: CanonSyntax }
    | { readonly kind: "import"; readonly import: ExternDeclSyntax }
    | { readonly kind: "export"; readonly export: ExportSyntax }
  )
  & {
    /** Offset in the file, for messages. */
    readonly offset: number;
  };

/** A component. */
export interface ComponentSyntax {
  readonly definitions: readonly Definition[];
}

/** A reference to an item. */
export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

/** A named reference to an item, such as an argument of an instantiation. */
export interface NamedSortIndex extends SortIndex {
  readonly name: string;
  /** The interface that an instance with a plain name implements. */
  readonly implements?: string;
}

/** A core instance: an instantiated module, or a list of exports. */
export type CoreInstanceSyntax =
  | {
    readonly kind: "instantiate";
    readonly module: number;
    readonly args: readonly { readonly name: string; readonly instance: number }[];
  }
  | { readonly kind: "exports"; readonly exports: readonly NamedSortIndex[] };

/** An instance: an instantiated component, or a list of exports. */
export type InstanceSyntax =
  | {
    readonly kind: "instantiate";
    readonly component: number;
    readonly args: readonly NamedSortIndex[];
  }
  | { readonly kind: "exports"; readonly exports: readonly NamedSortIndex[] };

/** An alias of an export, or of an item of an enclosing component. */
export type AliasSyntax =
  | {
    readonly kind: "export" | "core export";
    readonly sort: Sort;
    readonly instance: number;
    readonly name: string;
  }
  | {
    readonly kind: "outer";
    readonly sort: Sort;
    /** Number of enclosing components and component or instance types to step out of. */
    readonly count: number;
    readonly index: number;
  };

/** A core value type by its name in the text format, such as `i32` or `funcref`. */
export type CoreValueType = string;

/** A core function type. */
export interface CoreFuncType {
  readonly params: readonly CoreValueType[];
  readonly results: readonly CoreValueType[];
}

/** The limits of a core memory or table. */
export interface CoreLimits {
  readonly min: bigint;
  readonly max: bigint | undefined;
  readonly is64: boolean;
  readonly isShared: boolean;
}

/** The type of a core import or export, `F` being a function type or its index. */
export type CoreExternType<F> =
  | { readonly kind: "core func"; readonly type: F }
  | { readonly kind: "core table"; readonly element: CoreValueType; readonly limits: CoreLimits }
  | { readonly kind: "core memory"; readonly limits: CoreLimits }
  | { readonly kind: "core global"; readonly type: CoreValueType; readonly isMutable: boolean }
  | { readonly kind: "core tag"; readonly type: F };

/** A core type definition. */
export type CoreTypeSyntax =
  | { readonly kind: "func"; readonly type: CoreFuncType }
  | { readonly kind: "module"; readonly declarations: readonly CoreDeclSyntax[] };

/** A declaration of a core module type. */
export type CoreDeclSyntax =
  | {
    readonly kind: "import";
    readonly module: string;
    readonly name: string;
    readonly type: CoreExternType<number>;
  }
  | { readonly kind: "type"; readonly type: CoreTypeSyntax }
  | { readonly kind: "alias"; readonly count: number; readonly index: number }
  | { readonly kind: "export"; readonly name: string; readonly type: CoreExternType<number> };

/** The primitive value types. */
export const primitiveTypes = [
  "bool",
  "s8",
  "u8",
  "s16",
  "u16",
  "s32",
  "u32",
  "s64",
  "u64",
  "f32",
  "f64",
  "char",
  "string",
  "error-context",
] as const;

/** A primitive value type. */
export type PrimitiveType = typeof primitiveTypes[number];

/** A primitive type, or the index of a type. */
export type ValueTypeSyntax = PrimitiveType | number;

/** A named type, such as a field or a parameter. */
export interface LabelledType {
  readonly label: string;
  readonly type: ValueTypeSyntax;
}

/** A defined value type. */
export type DefinedValueType =
  | { readonly kind: "primitive"; readonly type: PrimitiveType }
  | { readonly kind: "record"; readonly fields: readonly LabelledType[] }
  | {
    readonly kind: "variant";
    readonly cases: readonly {
      readonly label: string;
      readonly type: ValueTypeSyntax | undefined;
    }[];
  }
  | { readonly kind: "list"; readonly element: ValueTypeSyntax; readonly length?: number }
  | { readonly kind: "tuple"; readonly types: readonly ValueTypeSyntax[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "option"; readonly type: ValueTypeSyntax }
  | {
    readonly kind: "result";
    readonly ok: ValueTypeSyntax | undefined;
    readonly error: ValueTypeSyntax | undefined;
  }
  | { readonly kind: "own" | "borrow"; readonly resource: number }
  | { readonly kind: "stream" | "future"; readonly element: ValueTypeSyntax | undefined }
  | { readonly kind: "map"; readonly key: ValueTypeSyntax; readonly value: ValueTypeSyntax };

/** A function type. */
export interface FuncTypeSyntax {
  readonly kind: "func";
  readonly isAsync: boolean;
  readonly params: readonly LabelledType[];
  readonly result: ValueTypeSyntax | undefined;
}

/** A type definition. */
export type TypeSyntax =
  | DefinedValueType
  | FuncTypeSyntax
  | {
    readonly kind: "component type" | "instance type";
    readonly declarations: readonly TypeDeclSyntax[];
  }
  | {
    readonly kind: "resource";
    readonly rep: CoreValueType;
    readonly destructor: number | undefined;
  };

/** A declaration of a component type or an instance type. */
export type TypeDeclSyntax =
  & (
    | { readonly kind: "core type"; readonly type: CoreTypeSyntax }
    | { readonly kind: "type"; readonly type: TypeSyntax }
    | { readonly kind: "alias"; readonly alias: AliasSyntax }
    | { readonly kind: "import" | "export"; readonly declaration: ExternDeclSyntax }
  )
  & { readonly offset: number };

/** The type of an import or export. */
export type ExternTypeSyntax =
  | { readonly kind: "core module"; readonly type: number }
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "type"; readonly bound: number | "resource" }
  | { readonly kind: "component"; readonly type: number }
  | { readonly kind: "instance"; readonly type: number };

/** An import, or an export of a type. */
export interface ExternDeclSyntax {
  readonly name: string;
  /** The interface that an instance with a plain name implements. */
  readonly implements?: string;
  readonly type: ExternTypeSyntax;
}

/** An export of a component. */
export interface ExportSyntax extends NamedSortIndex {
  readonly type: ExternTypeSyntax | undefined;
}

/** The encoding of strings in a guest's memory. */
export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

/** Options of a canonical definition. */
export interface CanonOptionsSyntax {
  readonly encoding: StringEncoding;
  /** Indices of core items. */
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  readonly postReturn: number | undefined;
  readonly callback: number | undefined;
  readonly isAsync: boolean;
}

/** A canonical definition. */
export type CanonSyntax =
  | {
    readonly kind: "lift";
    readonly func: number;
    readonly options: CanonOptionsSyntax;
    readonly type: number;
  }
  | { readonly kind: "lower"; readonly func: number; readonly options: CanonOptionsSyntax }
  | {
    readonly kind: "resource.new" | "resource.drop" | "resource.rep";
    readonly resource: number;
  }
  | BuiltInSyntax;

/** A built-in of the asynchronous ABI or of threads. */
export interface BuiltInSyntax {
  readonly kind: "built-in";
  /** Its name in the text format. */
  readonly name: BuiltInName;
  /** True if it is `async` or `cancellable`. */
  readonly flag: boolean;
  /** Indices of types, a memory or a table, in the order of the file. */
  readonly indices: readonly number[];
  readonly options: CanonOptionsSyntax | undefined;
  /** The result type of `task.return`. */
  readonly result: ValueTypeSyntax | undefined;
  /** The type of `context.get` and `context.set`. */
  readonly coreType: CoreValueType | undefined;
}

type CopyName<Kind extends "stream" | "future"> = `${Kind}.${
  | "new"
  | "read"
  | "write"
  | "cancel-read"
  | "cancel-write"
  | "drop-readable"
  | "drop-writable"}`;

/** The name of a built-in in the text format. */
export type BuiltInName =
  | `task.${"return" | "cancel"}`
  | `subtask.${"cancel" | "drop"}`
  | `context.${"get" | "set"}`
  | `backpressure.${"inc" | "dec"}`
  | `waitable-set.${"new" | "wait" | "poll" | "drop"}`
  | "waitable.join"
  | CopyName<"stream">
  | CopyName<"future">
  | `error-context.${"new" | "debug-message" | "drop"}`
  | `thread.${
    | "index"
    | "new-indirect"
    | "resume-later"
    | "suspend"
    | "yield"
    | "suspend-then-resume"
    | "yield-then-resume"
    | "suspend-then-promote"
    | "yield-then-promote"}`;
