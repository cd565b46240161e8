import type {
  CoreExternType,
  CoreFuncType,
  CoreTypeSyntax,
  LabelledType,
  PrimitiveType,
  TypeSyntax,
  ValueTypeSyntax,
} from "../format/syntax.ts";
import { primitiveTypes } from "../format/syntax.ts";
import { size64 } from "../abi/layout.ts";
import { isLabel, uniqueKey } from "../types/names.ts";
import {
  type ComponentValueType,
  contains,
  type FuncType,
  type Labelled,
  ResourceType,
} from "../types/types.ts";
import { isValueType, type Type, TypeClosure, typeName } from "./items.ts";
import { addImport } from "./core_module_type.ts";
import type { CoreExtern, CoreImport, CoreModuleType, CoreTypeItem } from "./items.ts";
import { invalid, type Scope } from "./items.ts";

const primitives = new Map<PrimitiveType, ComponentValueType>(
  primitiveTypes.map((kind) => [kind, { kind }]),
);

/** Sizes in memory are below this, so that offsets stay small. */
const maxSize = 2 ** 28;

/** Types that may be the key of a map. */
const keyTypes: ReadonlySet<string> = new Set(
  primitiveTypes.filter((type) => !["f32", "f64", "error-context"].includes(type)),
);

/**
 * Resolves a type definition in a scope.
 *
 * @throws CapsuleError `LOAD` if it breaks a rule.
 */
export function defineType(syntax: TypeSyntax, scope: Scope, offset: number): Type {
  switch (syntax.kind) {
    case "func":
      return defineFunc(syntax, scope, offset);
    case "component type":
    case "instance type":
      return new TypeClosure(syntax.kind, syntax.declarations, scope);
    case "resource":
      if (scope.kind === "type") {
        throw invalid("resources can only be defined within a concrete component", offset);
      }
      if (syntax.rep !== "i32") {
        throw invalid("resources can only be represented by `i32`", offset);
      }
      return new ResourceType();
    default: {
      const type = defineValue(syntax, scope, offset);
      if (size64(type).size >= maxSize) {
        throw invalid(`the size of a type must be less than ${maxSize} bytes`, offset);
      }
      return type;
    }
  }
}

function defineFunc(
  { params, result, isAsync }: TypeSyntax & { kind: "func" },
  scope: Scope,
  offset: number,
): FuncType {
  const type = result === undefined ? undefined : resolveValue(result, scope, offset);
  if (type && contains(type, ({ kind }) => kind === "borrow")) {
    throw invalid("function result cannot contain a `borrow` type", offset);
  }
  return {
    kind: "func",
    isAsync,
    params: labelled(params, { scope, what: "function parameter" }, offset),
    result: type,
  };
}

type DefinedSyntax = Exclude<
  TypeSyntax,
  { kind: "func" | "component type" | "instance type" | "resource" }
>;

function defineValue(syntax: DefinedSyntax, scope: Scope, offset: number): ComponentValueType {
  const value = (type: ValueTypeSyntax) => resolveValue(type, scope, offset);
  const optional = (type: ValueTypeSyntax | undefined) =>
    type === undefined ? undefined : value(type);
  switch (syntax.kind) {
    case "primitive":
      return resolveValue(syntax.type, scope, offset);
    case "record":
      return {
        kind: "record",
        fields: labelled(syntax.fields, { scope, what: "record field" }, offset),
      };
    case "variant": {
      checkLabels(syntax.cases.map(({ label }) => label), "variant case", offset);
      return {
        kind: "variant",
        cases: syntax.cases.map(({ label, type }) => ({ label, type: optional(type) })),
      };
    }
    case "list":
      if (syntax.length === 0) throw invalid("a fixed-length list cannot be empty", offset);
      return syntax.length === undefined
        ? { kind: "list", element: value(syntax.element) }
        : { kind: "list", element: value(syntax.element), length: syntax.length };
    case "tuple":
      if (syntax.types.length === 0) {
        throw invalid("tuple type must have at least one type", offset);
      }
      return { kind: "tuple", types: syntax.types.map(value) };
    case "flags":
      if (syntax.labels.length > 32) {
        throw invalid("cannot have more than 32 flags", offset);
      }
      checkLabels(syntax.labels, "flag", offset);
      return { kind: "flags", labels: syntax.labels };
    case "enum":
      checkLabels(syntax.labels, "enum tag", offset);
      return { kind: "enum", labels: syntax.labels };
    case "option":
      return { kind: "option", type: value(syntax.type) };
    case "result":
      return { kind: "result", ok: optional(syntax.ok), error: optional(syntax.error) };
    case "own":
    case "borrow": {
      const { type } = scope.get("type", syntax.resource, offset);
      if (!(type instanceof ResourceType)) {
        throw invalid(`type index ${syntax.resource} is not a resource type`, offset);
      }
      return { kind: syntax.kind, resource: type };
    }
    case "stream":
    case "future": {
      const element = optional(syntax.element);
      if (element && contains(element, ({ kind }) => kind === "borrow")) {
        throw invalid(`a ${syntax.kind} cannot contain a \`borrow\` type`, offset);
      }
      if (syntax.kind === "stream" && element?.kind === "char") {
        throw invalid("`stream<char>` is not valid at this time", offset);
      }
      return { kind: syntax.kind, element };
    }
    case "map": {
      const key = value(syntax.key);
      if (!keyTypes.has(key.kind)) throw invalid(`${key.kind} cannot be the key of a map`, offset);
      return { kind: "map", key, value: value(syntax.value) };
    }
  }
}

/** Resolves a value type: a primitive type or the index of a defined one. */
export function resolveValue(
  syntax: ValueTypeSyntax,
  scope: Scope,
  offset: number,
): ComponentValueType {
  if (typeof syntax !== "number") return primitives.get(syntax) ?? { kind: syntax };
  const { type } = scope.get("type", syntax, offset);
  if (!isValueType(type)) {
    throw invalid(
      `type index ${syntax} is not a defined type: found ${typeName(type)}`,
      offset,
    );
  }
  return type;
}

function labelled(
  types: readonly LabelledType[],
  { scope, what }: { scope: Scope; what: string },
  offset: number,
): Labelled[] {
  if (what === "record field" || types.length > 0) {
    checkLabels(types.map(({ label }) => label), what, offset);
  }
  return types.map(({ label, type }) => ({ label, type: resolveValue(type, scope, offset) }));
}

function checkLabels(labels: readonly string[], what: string, offset: number): void {
  if (labels.length === 0) throw invalid(`a type must have at least one ${what}`, offset);
  const keys = new Map<string, string>();
  for (const label of labels) {
    if (!isLabel(label)) throw invalid(`"${label}" is not a ${what} name in kebab case`, offset);
    const taken = keys.get(uniqueKey(label));
    if (taken !== undefined) {
      throw invalid(
        `${what} name \`${label}\` conflicts with previous ${what} name \`${taken}\``,
        offset,
      );
    }
    keys.set(uniqueKey(label), label);
  }
}

/** Resolves a core type definition in a scope. */
export function defineCoreType(
  syntax: CoreTypeSyntax,
  scope: Scope,
  offset: number,
): CoreTypeItem["type"] {
  if (syntax.kind === "func") return syntax;
  const types: CoreFuncType[] = [];
  const imports = new Map<string, CoreImport>();
  const exports = new Map<string, CoreExtern>();
  const extern = (type: CoreExternType<number>): CoreExtern => {
    if (type.kind === "core memory") {
      const { min, max, is64 } = type.limits;
      const most = is64 ? 2n ** 48n : 65536n;
      if (min > most || (max !== undefined && max > most)) {
        throw invalid(`memory size must be at most ${most} pages`, offset);
      }
    }
    if (type.kind !== "core func" && type.kind !== "core tag") return type;
    const found = types[type.type];
    if (!found) throw invalid(`core type index out of bounds: ${type.type}`, offset);
    return { kind: type.kind, type: found };
  };
  for (const declaration of syntax.declarations) {
    switch (declaration.kind) {
      case "type":
        if (declaration.type.kind === "func") types.push(declaration.type.type);
        break;
      case "alias": {
        // The scope of the module type itself is level 0.
        const outer = scope.outer(Math.max(declaration.count - 1, 0), offset);
        const { type } = outer.get("core type", declaration.index, offset);
        if (type.kind !== "func") throw invalid("an alias is not of a function type", offset);
        types.push(type.type);
        break;
      }
      case "import": {
        const { module, name } = declaration;
        addImport(imports, { module, name, type: extern(declaration.type) }, offset);
        break;
      }
      case "export": {
        const { name } = declaration;
        if (exports.has(name)) throw invalid(`export name \`${name}\` already defined`, offset);
        exports.set(name, extern(declaration.type));
      }
    }
  }
  return { kind: "module", type: { imports, exports } satisfies CoreModuleType };
}
