import { coreFuncType } from "../abi/flatten.ts";
import type {
  AliasSyntax,
  CanonSyntax,
  ComponentSyntax,
  CoreFuncType,
  CoreInstanceSyntax,
  Definition,
  ExportSyntax,
  InstanceSyntax,
} from "../format/syntax.ts";
import { CapsuleError } from "../../base/errors.ts";
import { compatibleName, parseExternName } from "../types/names.ts";
import { coreDifference } from "../types/core_match.ts";
import { Resource, ResourceType } from "../types/types.ts";
import { TypeClosure } from "./items.ts";
import { resolveBuiltIn } from "./built_in.ts";
import { conventionOf, expectCoreType, resolveOptions } from "./canon_options.ts";
import { coreModuleType } from "./core_module_type.ts";
import { defineCoreType, defineType } from "./define_type.ts";
import type { CoreImport, CoreItem, CoreSource, InstanceItem, Item, ItemOf } from "./items.ts";
import { bind, evaluateType, type Evaluator, validateClosure } from "./match.ts";
import { type Plan, PlanBuilder } from "./plan.ts";
import { invalid, Scope } from "./items.ts";
import { refersToResource } from "./resources.ts";
import { checkName, checkVisibility, makeVisible, renamed } from "./visibility.ts";

/** Definitions evaluated at most. Nested instantiations can multiply them exponentially. */
const maxDefinitions = 1_000_000;
/** Deepest nesting of instantiations; each level is several calls of this evaluator. */
const maxDepth = 100;

/**
 * Validates a component and inlines all nested instantiations.
 *
 * @param middleware components that are put before it, the outermost first: the imports of each one
 * that the next one exports are bound to these exports.
 * @throws CapsuleError `LOAD` with the rule that the component breaks.
 */
export function linkComponent(
  syntax: ComponentSyntax,
  middleware: readonly ComponentSyntax[] = [],
): Plan {
  const plan = new PlanBuilder();
  const evaluator = new ComponentEvaluator();
  let { imports, exports } = evaluator.evaluate(syntax, { plan, offset: 0 });
  for (const outer of middleware.toReversed()) {
    const provided = new Map([...exports].map(([name, item]) => [compatibleName(name), item]));
    const scope = evaluator.evaluate(outer, { plan, provided, offset: 0 });
    const own = [...scope.imports].filter(([name]) => !provided.has(compatibleName(name)));
    if (own.length === scope.imports.size) throw importsNothingOf(exports);
    imports = new Map([...imports, ...own]);
    exports = scope.exports;
  }
  for (const [bytes, offset] of evaluator.modules) {
    // A module that is instantiated is validated when it is compiled.
    if (!plan.modules.includes(bytes) && !WebAssembly.validate(bytes)) {
      throw invalid("a core module in it is invalid", offset);
    }
  }
  const { modules, coreInstances, trampolines, instances, resources, isAsync } = plan;
  return { modules, coreInstances, trampolines, instances, resources, isAsync, imports, exports };
}

/** Options of an evaluation. */
export interface EvaluateOptions {
  /** The scope that outer aliases refer to. */
  readonly parent?: Scope;
  /** Items for the imports. Without them the component is validated with its declared types. */
  readonly args?: ReadonlyMap<string, Item>;
  /** Items for imports by their `compatibleName`; the host provides the others. */
  readonly provided?: ReadonlyMap<string, Item>;
  /** Collects what to run. Without it, only types are evaluated. */
  readonly plan?: PlanBuilder;
  /** Index of the component instance that instantiates this one. */
  readonly parentInstance?: number;
  readonly offset: number;
}

/** The evaluation of one component. */
interface Evaluation {
  readonly scope: Scope;
  readonly plan: PlanBuilder | undefined;
  /** Index of this component instance; -1 without a plan. */
  readonly instance: number;
  readonly args: ReadonlyMap<string, Item> | undefined;
  readonly provided: ReadonlyMap<string, Item> | undefined;
  /** Offset of the instantiation, for messages about arguments. */
  readonly offset: number;
  /** Resource types that this component defines. */
  readonly ownResources: Set<symbol>;
}

/** Evaluates definitions in order, as the specification's validation does. */
class ComponentEvaluator implements Evaluator {
  /** Every core module with its offset. */
  readonly modules = new Map<Uint8Array<ArrayBuffer>, number>();
  #spent = 0;
  #depth = 0;

  readonly #hostResources = new Map<string, ResourceType>();

  /** Returns the resource of the host at the path of an import: one for compatible versions. */
  hostResource(path: readonly string[]): ResourceType {
    const key = path.map(compatibleName).join(" ");
    let found = this.#hostResources.get(key);
    if (!found) this.#hostResources.set(key, found = new ResourceType(new Resource(path)));
    return found;
  }

  /** Counts evaluated definitions. @throws CapsuleError `LOAD` beyond the limit. */
  spend(count: number, offset: number): void {
    this.#spent += count;
    if (this.#spent > maxDefinitions) {
      throw invalid(`it takes more than ${maxDefinitions} definitions to link it`, offset);
    }
  }

  /** Evaluates a component. Returns its scope with its imports and exports. */
  evaluate(syntax: ComponentSyntax, options: EvaluateOptions): Scope {
    const { parent, args, provided, plan, parentInstance, offset } = options;
    const scope = new Scope("component", parent);
    const evaluation: Evaluation = {
      scope,
      plan,
      instance: plan?.addInstance(parentInstance) ?? -1,
      args,
      provided,
      offset,
      ownResources: new Set(),
    };
    if (++this.#depth > maxDepth) {
      throw invalid(`instantiations are nested more than ${maxDepth} levels deep`, offset);
    }
    for (const definition of syntax.definitions) {
      this.spend(1, definition.offset);
      this.#define(definition, evaluation);
    }
    this.#depth--;
    return scope;
  }

  #define(definition: Definition, evaluation: Evaluation): void {
    const { scope, args } = evaluation;
    const { offset } = definition;
    switch (definition.kind) {
      case "core module": {
        const { bytes } = definition;
        const type = coreModuleType(bytes, offset);
        this.modules.set(bytes, offset);
        scope.add({ sort: "core module", type, bytes });
        break;
      }
      case "core instance":
        scope.add(this.#coreInstance(definition.instance, evaluation, offset));
        break;
      case "core type":
        scope.add({ sort: "core type", type: defineCoreType(definition.type, scope, offset) });
        break;
      case "component": {
        const syntax = definition.component;
        // Each definition is validated once, by the types it declares for its imports.
        if (!args) this.evaluate(syntax, { parent: scope, offset });
        scope.add({ sort: "component", component: { kind: "component", syntax, scope } });
        break;
      }
      case "instance":
        scope.add(this.#instance(definition.instance, evaluation, offset));
        break;
      case "alias":
        this.alias(definition.alias, scope, offset);
        break;
      case "type": {
        const type = defineType(definition.type, scope, offset);
        if (type instanceof TypeClosure && !args) {
          validateClosure(type, { evaluator: this, offset });
        }
        if (type instanceof ResourceType && definition.type.kind === "resource") {
          this.#defineResource(type, definition.type.destructor, { evaluation, offset });
        }
        scope.add({ sort: "type", type });
        break;
      }
      case "canon":
        this.#canon(definition.canon, evaluation, offset);
        break;
      case "import": {
        const { name, type } = definition.import;
        const actual = args?.get(name) ?? evaluation.provided?.get(compatibleName(name));
        if (args && !actual) throw invalid(`missing import named \`${name}\``, evaluation.offset);
        const path = evaluation.plan && !actual ? [name] : undefined;
        const item = bind(type, scope, {
          evaluator: this,
          actual,
          path,
          offset: actual ? evaluation.offset : offset,
        });
        scope.nameImport(name, item, offset);
        const named = { ...definition.import, item, scope, isImport: true, offset };
        checkName(named);
        if (actual) makeVisible(item, scope, true);
        else checkVisibility(named);
        scope.add(item);
        break;
      }
      case "export":
        this.#export(definition.export, evaluation, offset);
    }
  }

  #defineResource(
    type: ResourceType,
    destructor: number | undefined,
    { evaluation, offset }: { evaluation: Evaluation; offset: number },
  ): void {
    const { scope, plan, instance, ownResources } = evaluation;
    ownResources.add(type.identity);
    let source: CoreSource | undefined;
    if (destructor !== undefined) {
      const func = scope.get("core func", destructor, offset);
      expectCoreType(func, { params: ["i32"], results: [] }, { what: "destructor", offset });
      source = func.source;
    }
    plan?.resources.set(type.resource, { instance, destructor: source });
  }

  #coreInstance(
    syntax: CoreInstanceSyntax,
    { scope, plan }: Evaluation,
    offset: number,
  ): ItemOf<"core instance"> {
    if (syntax.kind === "exports") {
      const exports = new Map<string, CoreItem>();
      for (const { name, sort, index } of syntax.exports) {
        if (exports.has(name)) throw invalid(`export name \`${name}\` already defined`, offset);
        exports.set(name, coreItem(scope, { sort, index }, offset));
      }
      return { sort: "core instance", exports };
    }
    const { type, bytes } = scope.get("core module", syntax.module, offset);
    const given = new Map<string, ItemOf<"core instance">>();
    for (const { name, instance } of syntax.args) {
      if (given.has(name)) {
        throw invalid(`duplicate module instantiation argument named \`${name}\``, offset);
      }
      given.set(name, scope.get("core instance", instance, offset));
    }
    const imports = [...type.imports.values()].map((coreImport) => ({
      module: coreImport.module,
      name: coreImport.name,
      source: findCoreImport(coreImport, given, offset),
      isMemory: coreImport.type.kind === "core memory",
    }));
    const instance = plan && bytes
      ? plan.addCoreInstance(
        bytes,
        imports.flatMap(({ source, ...names }) => source ? { ...names, source } : []),
      )
      : undefined;
    const exports = new Map<string, CoreItem>();
    for (const [name, type_] of type.exports) {
      const source: CoreSource | undefined = instance === undefined
        ? undefined
        : { kind: "export", instance, name };
      exports.set(name, { sort: type_.kind, type: type_, source });
    }
    return { sort: "core instance", exports };
  }

  #instance(syntax: InstanceSyntax, evaluation: Evaluation, offset: number): InstanceItem {
    const { scope, plan, instance } = evaluation;
    if (syntax.kind === "exports") {
      const bag = new Scope("type", scope);
      for (const { name, sort, index, implements: interfaceName } of syntax.exports) {
        const item = anyItem(scope, { sort, index }, offset);
        const kind = parseExternName(name)?.kind;
        if (kind === "constructor" || kind === "method" || kind === "static") {
          throw invalid(
            `resource used in function does not have a name in this context: "${name}"`,
            offset,
          );
        }
        checkName({ name, item, scope: bag, isImport: false, implements: interfaceName, offset });
        bag.nameExport(name, item, offset);
      }
      return { sort: "instance", exports: bag.exports };
    }
    const { component } = scope.get("component", syntax.component, offset);
    const args = new Map<string, Item>();
    for (const { name, sort, index } of syntax.args) {
      if (args.has(name)) throw invalid(`duplicate argument named \`${name}\``, offset);
      args.set(name, anyItem(scope, { sort, index }, offset));
    }
    if (component instanceof TypeClosure) {
      if (plan) {
        throw new CapsuleError(
          "LOAD",
          "Cannot run the component: it imports a component and instantiates it, and no host provides components",
        );
      }
      const { exports } = evaluateType(component, { evaluator: this, imports: args, offset });
      return { sort: "instance", exports };
    }
    const { exports } = this.evaluate(component.syntax, {
      parent: component.scope,
      args,
      plan,
      parentInstance: instance,
      offset,
    });
    return { sort: "instance", exports };
  }

  /** Adds the item of an alias to its index space. */
  alias(syntax: AliasSyntax, scope: Scope, offset: number): void {
    switch (syntax.kind) {
      case "export": {
        const { exports } = scope.get("instance", syntax.instance, offset);
        const item = exports.get(syntax.name);
        if (!item) throw invalid(`instance has no export named \`${syntax.name}\``, offset);
        if (item.sort !== syntax.sort) {
          throw invalid(
            `export \`${syntax.name}\` is not a ${syntax.sort}: it is a ${item.sort}`,
            offset,
          );
        }
        scope.add(item);
        return;
      }
      case "core export": {
        const { exports } = scope.get("core instance", syntax.instance, offset);
        const item = exports.get(syntax.name);
        if (!item) throw invalid(`core instance has no export named \`${syntax.name}\``, offset);
        if (item.sort !== syntax.sort) {
          throw invalid(`export \`${syntax.name}\` is not a ${syntax.sort}`, offset);
        }
        scope.add(item);
        return;
      }
      case "outer": {
        const target = scope.outer(syntax.count, offset);
        const { sort } = syntax;
        if (
          sort !== "type" && sort !== "core type" && sort !== "component" && sort !== "core module"
        ) throw invalid(`outer aliases cannot be of sort ${sort}`, offset);
        if (scope.kind === "type" && sort !== "type" && sort !== "core type") {
          throw invalid(`outer aliases of a type cannot be of sort ${sort}`, offset);
        }
        const item = target.get(sort, syntax.index, offset);
        if (
          item.sort === "type" && crossesComponent(scope, target) &&
          refersToResource(item.type, { evaluator: this, offset })
        ) {
          throw invalid(
            "cannot alias outer type which transitively refers to resources not defined in the current component",
            offset,
          );
        }
        scope.add(item);
      }
    }
  }

  #canon(syntax: CanonSyntax, evaluation: Evaluation, offset: number): void {
    const { scope, plan, instance, ownResources } = evaluation;
    switch (syntax.kind) {
      case "lift": {
        const { type } = scope.get("type", syntax.type, offset);
        if (type.kind !== "func") {
          throw invalid(`type index ${syntax.type} is not a function type`, offset);
        }
        const func = scope.get("core func", syntax.func, offset);
        const options = resolveOptions(syntax.options, scope, { type, context: "lift", offset });
        const convention = conventionOf(syntax.options, "lift");
        expectCoreType(func, coreFuncType(type, convention), { what: "lowered function", offset });
        if (plan && (type.isAsync || options.isAsync)) plan.isAsync = true;
        scope.add({
          sort: "func",
          type,
          source: func.source && { kind: "lifted", func: func.source, options, type, instance },
        });
        return;
      }
      case "lower": {
        const { type, source } = scope.get("func", syntax.func, offset);
        const options = resolveOptions(syntax.options, scope, { type, context: "lower", offset });
        if (plan && (type.isAsync || options.isAsync)) plan.isAsync = true;
        addFunc(
          coreFuncType(type, conventionOf(options, "lower")),
          () => source && { kind: "lower", source, options, type, instance },
        );
        return;
      }
      case "resource.new":
      case "resource.drop":
      case "resource.rep": {
        const { type: resource } = scope.get("type", syntax.resource, offset);
        if (!(resource instanceof ResourceType)) {
          throw invalid(`type index ${syntax.resource} is not a resource type`, offset);
        }
        if (syntax.kind !== "resource.drop" && !ownResources.has(resource.identity)) {
          throw invalid(`type index ${syntax.resource} is not a local resource`, offset);
        }
        const results = syntax.kind === "resource.drop" ? [] : ["i32"];
        const { kind } = syntax;
        addFunc(
          { params: ["i32"], results },
          () => ({ kind, resource: resource.resource, instance }),
        );
        return;
      }
      case "built-in": {
        const builtIn = resolveBuiltIn(syntax, scope, offset);
        if (plan) plan.isAsync = true;
        addFunc(builtIn.type, () => ({ kind: "built-in", builtIn, instance }));
        return;
      }
    }

    function addFunc(
      type: CoreFuncType,
      trampoline: () => Parameters<PlanBuilder["addTrampoline"]>[0] | undefined,
    ): void {
      const made = plan && trampoline();
      scope.add({
        sort: "core func",
        type: { kind: "core func", type },
        source: made && plan.addTrampoline(made),
      });
    }
  }

  #export(syntax: ExportSyntax, evaluation: Evaluation, offset: number): void {
    const { scope, args } = evaluation;
    const { name, sort, index, type } = syntax;
    let item = anyItem(scope, { sort, index }, offset);
    if (item.sort === "type") item = { sort: "type", type: renamed(item.type) };
    if (type) {
      item = bind(type, scope, { evaluator: this, actual: item, isAscription: true, offset });
    }
    scope.nameExport(name, item, offset);
    const named = { ...syntax, item, scope, isImport: false, offset };
    checkName(named);
    if (args) makeVisible(item, scope, false);
    else checkVisibility(named);
    scope.add(item);
  }
}

function importsNothingOf(exports: ReadonlyMap<string, Item>): CapsuleError {
  return new CapsuleError(
    "LOAD",
    `Cannot put a component before another one that exports ${[...exports.keys()].join(", ")}: ` +
      "it imports nothing of that",
  );
}

function coreItem(
  scope: Scope,
  { sort, index }: { sort: string; index: number },
  offset: number,
): CoreItem {
  switch (sort) {
    case "core func":
    case "core table":
    case "core memory":
    case "core global":
    case "core tag":
      return scope.get(sort, index, offset);
  }
  throw invalid(`a core instance cannot export a ${sort}`, offset);
}

function anyItem(
  scope: Scope,
  { sort, index }: { sort: string; index: number },
  offset: number,
): Item {
  switch (sort) {
    case "core module":
    case "func":
    case "type":
    case "component":
    case "instance":
      return scope.get(sort, index, offset);
  }
  throw invalid(`a ${sort} cannot be imported or exported by a component`, offset);
}

function findCoreImport(
  { module, name, type }: CoreImport,
  given: ReadonlyMap<string, ItemOf<"core instance">>,
  offset: number,
): CoreSource | undefined {
  const instance = given.get(module);
  if (!instance) throw invalid(`missing module instantiation argument named \`${module}\``, offset);
  const item = instance.exports.get(name);
  if (!item) {
    throw invalid(
      `module instantiation argument \`${module}\` does not export an item named \`${name}\``,
      offset,
    );
  }
  const found = coreDifference(item.type, type);
  if (found !== undefined) {
    throw invalid(`type mismatch for import \`${module}::${name}\`: ${found}`, offset);
  }
  return item.source;
}

function crossesComponent(from: Scope, to: Scope): boolean {
  for (let scope = from; scope !== to;) {
    if (scope.kind === "component") return true;
    if (!scope.parent) return false;
    scope = scope.parent;
  }
  return false;
}
