import type { AliasSyntax, ComponentSyntax, ExternTypeSyntax } from "../format/syntax.ts";
import { moduleDifference } from "../types/core_match.ts";
import { difference, funcDifference } from "../types/equal.ts";
import { Resource, ResourceType } from "../types/types.ts";
import { isValueType, type Type, TypeClosure } from "./items.ts";
import { defineCoreType, defineType } from "./define_type.ts";
import type { ComponentItem, InstanceItem, Item } from "./items.ts";
import { invalid, Scope } from "./items.ts";
import { checkName, checkVisibility, makeVisible, renamed } from "./visibility.ts";

/** The evaluation of definitions, which types and components call back. */
export interface Evaluator {
  /** Counts evaluated definitions. @throws CapsuleError `LOAD` beyond the limit. */
  spend(count: number, offset: number): void;
  /** Returns the resource of the host at the path of an import. */
  hostResource(path: readonly string[]): ResourceType;
  /** Adds the item of an alias to its index space. */
  alias(syntax: AliasSyntax, scope: Scope, offset: number): void;
  /** Evaluates a component with items for its imports. */
  evaluate(
    syntax: ComponentSyntax,
    options: { parent: Scope; args: ReadonlyMap<string, Item>; offset: number },
  ): Scope;
}

/** The item that a declaration stands for. */
export interface Binding {
  /** The item given for it. Without one, only the declared type is known. */
  readonly actual?: Item;
  /** True if the declaration is the type given to an export. */
  readonly isAscription?: boolean;
  /** The names under which the host provides it, if the host does. */
  readonly path?: readonly string[];
  readonly offset: number;
}

/**
 * Returns the item of a declaration: the one given, if it matches the declared type; otherwise one
 * that is known by its type alone, with fresh resource types.
 *
 * @throws CapsuleError `LOAD` if the given item does not match.
 */
export function bind(
  declared: ExternTypeSyntax,
  scope: Scope,
  { evaluator, ...binding }: Binding & { readonly evaluator: Evaluator },
): Item {
  const { actual, path, offset } = binding;
  const sort = declared.kind;
  if (actual && actual.sort !== sort) {
    throw invalid(`expected ${sort}, found ${actual.sort}`, offset);
  }
  switch (declared.kind) {
    case "core module": {
      const { type } = scope.get("core type", declared.type, offset);
      if (type.kind !== "module") throw invalid("a core type is not a module type", offset);
      if (actual?.sort !== "core module") {
        return { sort: "core module", type: type.type, bytes: undefined };
      }
      refuse(moduleDifference(actual.type, type.type), offset);
      return actual;
    }
    case "func": {
      const { type } = scope.get("type", declared.type, offset);
      if (type.kind !== "func") {
        throw invalid(`type index ${declared.type} is not a function type`, offset);
      }
      if (actual?.sort !== "func") {
        return { sort: "func", type, source: path && { kind: "host", path, type } };
      }
      refuse(funcDifference(actual.type, type), offset);
      return { ...actual, type };
    }
    case "type":
      return bindType(declared.bound, scope, { evaluator, ...binding });
    case "component": {
      const { type } = scope.get("type", declared.type, offset);
      if (!(type instanceof TypeClosure) || type.kind !== "component type") {
        throw invalid(`type index ${declared.type} is not a component type`, offset);
      }
      if (actual?.sort !== "component") return { sort: "component", component: type };
      matchComponent(actual, type, { evaluator, offset });
      return actual;
    }
    case "instance": {
      const { type } = scope.get("type", declared.type, offset);
      if (!(type instanceof TypeClosure) || type.kind !== "instance type") {
        throw invalid(`type index ${declared.type} is not an instance type`, offset);
      }
      const instance = actual?.sort === "instance" ? actual : undefined;
      const { exports } = evaluateType(type, { evaluator, instance, path, offset });
      return { sort: "instance", exports };
    }
  }
}

function refuse(difference: string | undefined, offset: number): void {
  if (difference !== undefined) throw invalid(difference, offset);
}

function bindType(
  bound: number | "resource",
  scope: Scope,
  { evaluator, actual, isAscription, path, offset }: Binding & { readonly evaluator: Evaluator },
): Item {
  const given = actual?.sort === "type" ? actual.type : undefined;
  if (bound === "resource") {
    if (!given) {
      const type = path ? evaluator.hostResource(path) : new ResourceType(new Resource());
      return { sort: "type", type };
    }
    if (!(given instanceof ResourceType)) {
      throw invalid(`expected resource, found ${given.kind}`, offset);
    }
    // An export that hides its resource gets a distinct type.
    const type = isAscription ? new ResourceType(given.resource) : given;
    return { sort: "type", type };
  }
  const { type } = scope.get("type", bound, offset);
  if (given) matchType(given, type, { evaluator, offset });
  return { sort: "type", type: given ?? renamed(type) };
}

interface Context {
  readonly evaluator: Evaluator;
  readonly offset: number;
}

function matchType(actual: Type, expected: Type, context: Context): void {
  const { offset } = context;
  if (actual === expected) return;
  if (isValueType(actual) && isValueType(expected)) refuse(difference(actual, expected), offset);
  else if (actual.kind === "func" && expected.kind === "func") {
    refuse(funcDifference(actual, expected), offset);
  } else if (actual instanceof TypeClosure && expected instanceof TypeClosure) {
    if (actual.kind !== expected.kind) {
      throw invalid(`expected ${expected.kind}, found ${actual.kind}`, offset);
    }
    for (const [one, other] of [[actual, expected], [expected, actual]] as const) {
      if (one.kind === "instance type") {
        const { exports } = evaluateType(one, context);
        evaluateType(other, { ...context, instance: { sort: "instance", exports } });
      } else matchComponent({ sort: "component", component: one }, other, context);
    }
  } else if (actual instanceof ResourceType && expected instanceof ResourceType) {
    if (actual.identity !== expected.identity) {
      throw invalid("resource types are not the same", offset);
    }
  } else throw invalid(`expected ${expected.kind}, found ${actual.kind}`, offset);
}

/** Checks that a component can be used where one of another type is expected. */
function matchComponent(actual: ComponentItem, expected: TypeClosure, context: Context): void {
  const { imports } = evaluateType(expected, context);
  const exports = instantiateComponent(actual, imports, context);
  evaluateType(expected, { ...context, imports, instance: { sort: "instance", exports } });
}

/** Instantiates a component without a plan, to learn the types of its exports. */
function instantiateComponent(
  { component }: ComponentItem,
  args: ReadonlyMap<string, Item>,
  { evaluator, offset }: Context,
): ReadonlyMap<string, Item> {
  if (component instanceof TypeClosure) {
    return evaluateType(component, { evaluator, imports: args, offset }).exports;
  }
  return evaluator.evaluate(component.syntax, { parent: component.scope, args, offset }).exports;
}

/** Options of the evaluation of a type. */
export interface EvaluateTypeOptions extends Context {
  /** Items for the imports of a component type. */
  readonly imports?: ReadonlyMap<string, Item>;
  /** An instance whose exports must match. */
  readonly instance?: InstanceItem;
  readonly path?: readonly string[];
}

/**
 * Evaluates the declarations of a component or instance type.
 *
 * @throws CapsuleError `LOAD` if they are invalid or a given item does not match.
 */
export function evaluateType(closure: TypeClosure, options: EvaluateTypeOptions): Scope {
  const { evaluator, imports, instance, path } = options;
  const scope = new Scope("type", closure.scope);
  for (const declaration of closure.declarations) {
    const { offset } = declaration;
    evaluator.spend(1, offset);
    switch (declaration.kind) {
      case "core type":
        scope.add({ sort: "core type", type: defineCoreType(declaration.type, scope, offset) });
        break;
      case "type": {
        const type = defineType(declaration.type, scope, offset);
        if (type instanceof TypeClosure) validateClosure(type, { evaluator, offset });
        scope.add({ sort: "type", type });
        break;
      }
      case "alias": {
        const { kind, sort } = declaration.alias;
        if (
          kind === "core export" || (kind === "export" && sort !== "type" && sort !== "instance")
        ) {
          throw invalid("an alias of a type may only refer to types or instances", offset);
        }
        evaluator.alias(declaration.alias, scope, offset);
        break;
      }
      case "import":
      case "export": {
        const { name, type, implements: interfaceName } = declaration.declaration;
        const isImport = declaration.kind === "import";
        const given = isImport ? imports : instance?.exports;
        const actual = given?.get(name);
        if (given && !actual) {
          throw invalid(
            `missing ${isImport ? "import" : "expected export"} \`${name}\``,
            options.offset,
          );
        }
        const item = bind(type, scope, {
          evaluator,
          actual,
          path: path && [...path, name],
          offset: actual ? options.offset : offset,
        });
        if (isImport) scope.nameImport(name, item, offset);
        else scope.nameExport(name, item, offset);
        const named = { name, item, scope, isImport, implements: interfaceName, offset };
        checkName(named);
        // An instance type is checked where an instance of it is imported or exported.
        if (closure.kind === "component type") checkVisibility(named);
        else makeVisible(item, scope, isImport);
        scope.add(item);
      }
    }
  }
  return scope;
}

/** Validates a component or instance type where it is defined. */
export function validateClosure(
  closure: TypeClosure,
  { evaluator, offset }: { evaluator: Evaluator; offset: number },
): void {
  const { exports } = evaluateType(closure, { evaluator, offset });
  if (closure.kind === "instance type") closure.example = { sort: "instance", exports };
}
