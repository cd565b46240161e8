import { CapsuleError } from "../../base/errors.ts";
import type {
  ComponentSyntax,
  CoreExternType,
  CoreFuncType,
  StringEncoding,
  TypeDeclSyntax,
} from "../format/syntax.ts";
import { hex } from "../../prepare/format/reader.ts";
import { parseExternName, uniqueKey } from "../types/names.ts";
import { type ComponentValueType, type FuncType, ResourceType } from "../types/types.ts";

/**
 * The entries of index spaces, and the scopes that hold them. They refer to each other: a type of a
 * component is evaluated in the scope that defines it.
 */

/**
 * A component or instance type: its declarations and the scope they refer to. Each evaluation makes
 * fresh resource types for its `(sub resource)` bounds.
 */
export class TypeClosure {
  readonly kind: "component type" | "instance type";
  readonly declarations: readonly TypeDeclSyntax[];
  readonly scope: Scope;
  /** An instance of an instance type, set when the type is validated. */
  example: InstanceItem | undefined;

  constructor(
    kind: TypeClosure["kind"],
    declarations: readonly TypeDeclSyntax[],
    scope: Scope,
  ) {
    this.kind = kind;
    this.declarations = declarations;
    this.scope = scope;
  }
}

/** A resolved type. */
export type Type = ComponentValueType | FuncType | ResourceType | TypeClosure;

const notValues: ReadonlySet<Type["kind"]> = new Set([
  "func",
  "resource",
  "component type",
  "instance type",
]);

/** Reports whether a type is that of a value. */
export function isValueType(type: Type): type is ComponentValueType {
  return !notValues.has(type.kind);
}

/** Returns the name of a type for messages. */
export function typeName(type: Type): string {
  return type.kind === "func" ? "a function type" : `type ${type.kind}`;
}

/** A core function, memory, table, global or tag: where it comes from once the component runs. */
export type CoreSource =
  | { readonly kind: "export"; readonly instance: number; readonly name: string }
  | { readonly kind: "trampoline"; readonly trampoline: number };

/** A core item. Without a source it is known by its type alone. */
export interface CoreItem {
  readonly sort: CoreExternType<CoreFuncType>["kind"];
  readonly type: CoreExternType<CoreFuncType>;
  readonly source: CoreSource | undefined;
}

/** The type of a core import or export. */
export type CoreExtern = CoreExternType<CoreFuncType>;

/** The imports and exports of a core module; the key of an import is its module and name. */
export interface CoreModuleType {
  readonly imports: ReadonlyMap<string, CoreImport>;
  readonly exports: ReadonlyMap<string, CoreExtern>;
}

/** An import of a core module. */
export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly type: CoreExtern;
}

/** A core module. */
export interface CoreModuleItem {
  readonly sort: "core module";
  readonly type: CoreModuleType;
  /** The module's bytes, or undefined if only its type is known. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** A core instance. */
export interface CoreInstanceItem {
  readonly sort: "core instance";
  readonly exports: ReadonlyMap<string, CoreItem>;
}

/** A core type. */
export interface CoreTypeItem {
  readonly sort: "core type";
  readonly type: { readonly kind: "func"; readonly type: CoreFuncType } | {
    readonly kind: "module";
    readonly type: CoreModuleType;
  };
}

/** Options of a lift or lower with their sources resolved. */
export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory: CoreSource | undefined;
  readonly realloc: CoreSource | undefined;
  readonly postReturn: CoreSource | undefined;
  /** True for the asynchronous ABI. */
  readonly isAsync: boolean;
  readonly callback: CoreSource | undefined;
}

/** A component function: lifted from core code of a component instance, or provided by the host. */
export type FuncSource =
  | {
    readonly kind: "lifted";
    readonly func: CoreSource;
    readonly options: CanonOptions;
    readonly type: FuncType;
    /** The component instance in which the code runs. */
    readonly instance: number;
  }
  | {
    readonly kind: "host";
    /** Names of the import and, in an imported instance, of its export. */
    readonly path: readonly string[];
    readonly type: FuncType;
  };

/** A component function. */
export interface FuncItem {
  readonly sort: "func";
  readonly type: FuncType;
  /** Undefined while a component is validated with imports that are known by their type alone. */
  readonly source: FuncSource | undefined;
}

/** A type. */
export interface TypeItem {
  readonly sort: "type";
  readonly type: Type;
}

/** A component instance. */
export interface InstanceItem {
  readonly sort: "instance";
  readonly exports: ReadonlyMap<string, Item>;
}

/** A component with the scope that its outer aliases refer to. */
export interface ComponentClosure {
  readonly kind: "component";
  readonly syntax: ComponentSyntax;
  readonly scope: Scope;
}

/** A component. */
export interface ComponentItem {
  readonly sort: "component";
  /** A definition, or the type of a component that is not known. */
  readonly component: ComponentClosure | TypeClosure;
}

/** An entry of an index space. */
export type Item =
  | CoreItem
  | CoreModuleItem
  | CoreInstanceItem
  | CoreTypeItem
  | FuncItem
  | TypeItem
  | InstanceItem
  | ComponentItem;

/** The item of a sort. */
export type ItemOf<S extends Item["sort"]> = S extends CoreItem["sort"] ? CoreItem
  : Extract<Item, { sort: S }>;

/** The index spaces of a component, a component type or an instance type during its evaluation. */
export class Scope {
  readonly kind: "component" | "type";
  readonly parent: Scope | undefined;
  readonly imports = new Map<string, Item>();
  readonly exports = new Map<string, Item>();
  /** Types that an import can name: those of earlier imports. */
  readonly importVisible = new Set<object>();
  /** Types that an export can name: those of earlier imports and exports. */
  readonly exportVisible = new Set<object>();
  readonly #spaces = new Map<Item["sort"], Item[]>();
  readonly #importKeys = new Map<string, string>();
  readonly #exportKeys = new Map<string, string>();

  constructor(kind: Scope["kind"], parent: Scope | undefined) {
    this.kind = kind;
    this.parent = parent;
  }

  /** Appends an item to the index space of its sort. */
  add(item: Item): void {
    const space = this.#spaces.get(item.sort);
    if (space) space.push(item);
    else this.#spaces.set(item.sort, [item]);
  }

  /** Returns an item by its index. @throws CapsuleError `LOAD` if the index is out of bounds. */
  get<S extends Item["sort"]>(sort: S, index: number, offset: number): ItemOf<S> {
    const space = this.#spaces.get(sort);
    const item = space?.[index];
    if (item === undefined) {
      throw invalid(
        `${sort} index out of bounds: ${index} of ${space?.length ?? 0}`,
        offset,
      );
    }
    return item as ItemOf<S>;
  }

  /** Returns the scope `count` levels out. @throws CapsuleError `LOAD` if it does not exist. */
  outer(count: number, offset: number): Scope {
    if (count === 0) return this;
    if (!this.parent) throw invalid(`invalid outer alias count: ${count} levels too many`, offset);
    return this.parent.outer(count - 1, offset);
  }

  /** Names an import. @throws CapsuleError `LOAD` if the name is invalid or taken. */
  nameImport(name: string, item: Item, offset: number): void {
    claim(this.#importKeys, { name, kind: "import" }, offset);
    this.imports.set(name, item);
  }

  /** Names an export. @throws CapsuleError `LOAD` if the name is invalid or taken. */
  nameExport(name: string, item: Item, offset: number): void {
    claim(this.#exportKeys, { name, kind: "export" }, offset);
    this.exports.set(name, item);
  }
}

/** The error of a component that is well-formed and breaks a rule of validation. */
export function invalid(message: string, offset: number): CapsuleError {
  return new CapsuleError(
    "LOAD",
    `Cannot run the component as it is invalid: ${message}, at offset ${hex(offset)}`,
  );
}

/** Claims a name among those of one scope, which must be strongly unique. */
function claim(
  keys: Map<string, string>,
  { name, kind }: { name: string; kind: string },
  offset: number,
): void {
  if (parseExternName(name) === undefined) {
    throw invalid(`"${name}" is not a valid name of an ${kind}`, offset);
  }
  const key = uniqueKey(name);
  const taken = keys.get(key);
  if (taken !== undefined) {
    throw invalid(`${kind} name "${name}" conflicts with previous name "${taken}"`, offset);
  }
  keys.set(key, name);
}
