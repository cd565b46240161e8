import type { PrimitiveType } from "../format/syntax.ts";

/**
 * A value type with its references resolved.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#type-definitions
 */
export type ComponentValueType =
  | { readonly kind: PrimitiveType }
  | RecordType
  | VariantType
  | ListType
  | { readonly kind: "tuple"; readonly types: readonly ComponentValueType[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "option"; readonly type: ComponentValueType }
  | ResultType
  | HandleType
  | CopyType
  | { readonly kind: "map"; readonly key: ComponentValueType; readonly value: ComponentValueType };

/** A record with its fields in order. */
export interface RecordType {
  readonly kind: "record";
  readonly fields: readonly Labelled[];
}

/** A variant with its cases in order. */
export interface VariantType {
  readonly kind: "variant";
  readonly cases: readonly {
    readonly label: string;
    readonly type: ComponentValueType | undefined;
  }[];
}

/** A list. */
export interface ListType {
  readonly kind: "list";
  readonly element: ComponentValueType;
  /** Of a list with a fixed length. */
  readonly length?: number;
}

/** A result; a missing type means no payload. */
export interface ResultType {
  readonly kind: "result";
  readonly ok: ComponentValueType | undefined;
  readonly error: ComponentValueType | undefined;
}

/** The type of a stream or a future. */
export interface CopyType {
  readonly kind: "stream" | "future";
  readonly element: ComponentValueType | undefined;
}

/** An owned or borrowed handle. */
export interface HandleType {
  readonly kind: "own" | "borrow";
  readonly resource: ResourceType;
}

/** A field or a parameter. */
export interface Labelled {
  readonly label: string;
  readonly type: ComponentValueType;
}

/** A component function type. */
export interface FuncType {
  readonly kind: "func";
  readonly isAsync: boolean;
  readonly params: readonly Labelled[];
  readonly result: ComponentValueType | undefined;
}

/** A resource as it exists at run time. */
export class Resource {
  /** The import that provides it, such as `wasi:io/streams@0.2.0` and `input-stream`. */
  readonly path: readonly string[] | undefined;

  constructor(path?: readonly string[]) {
    this.path = path;
  }
}

/** A type that stands for a resource. Several can stand for one resource, and be equal or not. */
export class ResourceType {
  readonly kind = "resource";
  readonly resource: Resource;
  /** Types with the same identity are equal. */
  readonly identity: symbol;

  constructor(resource: Resource = new Resource(), identity: symbol = Symbol()) {
    this.resource = resource;
    this.identity = identity;
  }
}

/** Returns the types that a value type is directly made of. */
export function parts(type: ComponentValueType): readonly ComponentValueType[] {
  switch (type.kind) {
    case "record":
      return type.fields.map(({ type }) => type);
    case "variant":
      return type.cases.flatMap(({ type }) => type ?? []);
    case "list":
      return [type.element];
    case "tuple":
      return type.types;
    case "option":
      return [type.type];
    case "result":
      return [type.ok, type.error].flatMap((part) => part ?? []);
    case "stream":
    case "future":
      return type.element === undefined ? [] : [type.element];
    case "map":
      return [type.key, type.value];
    default:
      return [];
  }
}

/**
 * Reports whether a value type, or one that it is made of, fulfils the predicate.
 *
 * @param into returns false for a type whose parts are not looked at. Default: true for all.
 */
export function contains(
  type: ComponentValueType,
  predicate: (type: ComponentValueType) => boolean,
  into: (type: ComponentValueType) => boolean = () => true,
): boolean {
  const seen = new Set<ComponentValueType>();
  const visit = (type: ComponentValueType): boolean => {
    if (seen.has(type)) return false;
    seen.add(type);
    return predicate(type) || (into(type) && parts(type).some(visit));
  };
  return visit(type);
}
