import { type ComponentValueType, contains, ResourceType } from "../types/types.ts";
import { isValueType, type Item, type Type, TypeClosure } from "./items.ts";
import { evaluateType, type Evaluator } from "./match.ts";

interface Context {
  readonly evaluator: Evaluator;
  readonly offset: number;
}

/** Reports whether a type refers to a resource that it does not itself declare. */
export function refersToResource(type: Type, context: Context): boolean {
  if (!(type instanceof TypeClosure)) return identitiesOf({ sort: "type", type }, context).size > 0;
  // Resources that the type declares are fresh in each evaluation; others are the same.
  const first = declaredIdentities(type, context);
  return [...declaredIdentities(type, context)].some((identity) => first.has(identity));
}

function declaredIdentities(type: TypeClosure, context: Context): Set<symbol> {
  const { imports, exports } = evaluateType(type, context);
  return new Set(
    [...imports.values(), ...exports.values()].flatMap((item) => [...identitiesOf(item, context)]),
  );
}

function identitiesOf(item: Item, context: Context): Set<symbol> {
  const found = new Set<symbol>();
  const visitValue = (type: ComponentValueType) =>
    contains(type, (part) => {
      if (part.kind === "own" || part.kind === "borrow") found.add(part.resource.identity);
      return false;
    });
  const visit = (item: Item): void => {
    if (item.sort === "instance") { for (const part of item.exports.values()) visit(part); }
    if (item.sort !== "type" && item.sort !== "func") return;
    const { type } = item;
    if (type instanceof ResourceType) found.add(type.identity);
    else if (type instanceof TypeClosure) {
      for (const identity of declaredIdentities(type, context)) found.add(identity);
    } else if (type.kind === "func") {
      for (const param of type.params) visitValue(param.type);
      if (type.result) visitValue(type.result);
    } else if (isValueType(type)) visitValue(type);
  };
  visit(item);
  return found;
}
