import { parseExternName } from "../types/names.ts";
import { type ComponentValueType, contains, type FuncType, ResourceType } from "../types/types.ts";
import { invalid, isValueType, type Item, type Scope, type Type } from "./items.ts";

/**
 * Types that users of an import or export must be able to name, beside resources: those whose
 * fields or cases have labels.
 *
 * @see Explainer.md, "External Visibility of Types"
 */
const needsName: ReadonlySet<string> = new Set(["record", "variant", "enum", "flags"]);

/** A named item and the scope of its name. */
export interface NamedItem {
  readonly name: string;
  readonly item: Item;
  readonly scope: Scope;
  readonly isImport: boolean;
  /** The interface that the name declares to implement. */
  readonly implements?: string;
  readonly offset: number;
}

/**
 * Returns an equal type with an identity of its own: an import or export makes visible the type
 * that it introduces, not the type that it refers to.
 */
export function renamed(type: Type): Type {
  if (type instanceof ResourceType) return new ResourceType(type.resource, type.identity);
  return isValueType(type) && needsName.has(type.kind) ? { ...type } : type;
}

/**
 * Checks that an annotated name fits its item.
 *
 * @throws CapsuleError `LOAD` if it does not.
 */
export function checkName(named: NamedItem): void {
  const { name, item, scope, isImport, offset } = named;
  const parsed = parseExternName(name);
  if (named.implements !== undefined) {
    if (item.sort !== "instance") {
      throw invalid(
        `only instances can have an \`implements\`: \`${name}\` is a ${item.sort}`,
        offset,
      );
    }
    if (parsed?.kind !== "label") {
      throw invalid(`name \`${name}\` is not valid with \`implements\``, offset);
    }
    if (parseExternName(named.implements)?.kind !== "interface") {
      throw invalid(
        `\`implements\` must be an interface: \`${named.implements}\` is not a valid name`,
        offset,
      );
    }
  }
  if (!parsed || parsed.kind === "label" || parsed.kind === "interface") return;
  if (item.sort !== "func") throw invalid(`the name "${name}" is not that of a function`, offset);
  const found = (isImport ? scope.imports : scope.exports).get(parsed.resource);
  const resource = found?.sort === "type" && found.type instanceof ResourceType && found.type;
  if (!resource) {
    throw invalid(`function does not match expected resource name \`${parsed.resource}\``, offset);
  }
  const isHandle = (type: ComponentValueType | undefined, kind: "own" | "borrow") =>
    type?.kind === kind && type.resource.identity === resource.identity;
  if (parsed.kind === "constructor") {
    const { result } = item.type;
    if (!isHandle(result, "own") && !(result?.kind === "result" && isHandle(result.ok, "own"))) {
      throw invalid(`function should return one value of its resource: "${name}"`, offset);
    }
  } else if (parsed.kind === "method") {
    const [self] = item.type.params;
    if (self?.label !== "self" || !isHandle(self.type, "borrow")) {
      throw invalid(`function should have a parameter \`self\` of its resource: "${name}"`, offset);
    }
  }
}

/**
 * Checks that an item refers only to types that can be named in its scope, and makes the types that
 * it introduces visible.
 *
 * @throws CapsuleError `LOAD` if a type cannot be named.
 */
export function checkVisibility({ item, scope, isImport, offset }: NamedItem): void {
  const visible = isImport ? scope.importVisible : scope.exportVisible;
  if (!isNameable(item, visible)) {
    throw invalid(
      `${item.sort} not valid to be used as ${
        isImport ? "import" : "export"
      }: it has a type without a name`,
      offset,
    );
  }
  makeVisible(item, scope, isImport);
}

/** Makes the types that an item introduces visible. */
export function makeVisible(item: Item, scope: Scope, isImport: boolean): void {
  if (item.sort === "type") {
    if (isImport) scope.importVisible.add(item.type);
    scope.exportVisible.add(item.type);
  } else if (item.sort === "instance") {
    for (const part of item.exports.values()) makeVisible(part, scope, isImport);
  }
}

/** Reports whether an item refers only to visible types, and to those that it introduces itself. */
function isNameable(item: Item, visible: ReadonlySet<object>): boolean {
  switch (item.sort) {
    case "func":
      return isFuncNameable(item.type, visible);
    case "type": {
      const { type } = item;
      if (type.kind === "func") return isFuncNameable(type, visible);
      if (type.kind === "instance type") {
        // Its exports are those of an instance that is not known yet.
        const { example } = type;
        return example === undefined || isNameable(example, visible);
      }
      return !isValueType(type) || labelledParts(type).every((part) => isVisible(part, visible));
    }
    case "instance": {
      const inside = new Set(visible);
      for (const part of item.exports.values()) {
        if (!isNameable(part, inside)) return false;
        if (part.sort === "type") inside.add(part.type);
        else if (part.sort === "instance") {
          for (const type of typesOf(part)) inside.add(type);
        }
      }
      return true;
    }
    default:
      return true;
  }
}

function* typesOf(item: Item): Generator<Type> {
  if (item.sort === "type") yield item.type;
  else if (item.sort === "instance") {
    for (const part of item.exports.values()) yield* typesOf(part);
  }
}

function isFuncNameable({ params, result }: FuncType, visible: ReadonlySet<object>): boolean {
  return params.every(({ type }) => isVisible(type, visible)) &&
    (result === undefined || isVisible(result, visible));
}

function isVisible(type: ComponentValueType, visible: ReadonlySet<object>): boolean {
  return !contains(type, (part) => {
    if (part.kind === "own" || part.kind === "borrow") return !visible.has(part.resource);
    return needsName.has(part.kind) && !visible.has(part);
  });
}

/** The types of the fields or cases of a type that is about to get a name; of others, the type. */
function labelledParts(type: ComponentValueType): readonly ComponentValueType[] {
  switch (type.kind) {
    case "record":
      return type.fields.map(({ type }) => type);
    case "variant":
      return type.cases.flatMap(({ type }) => type ?? []);
    case "enum":
    case "flags":
      return [];
    default:
      return [type];
  }
}
