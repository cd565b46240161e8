import type { ComponentValueType, FuncType } from "./types.ts";

/**
 * Returns the difference between two value types as a clause for a message, or undefined if they
 * are equal. Resource types are equal only if they are the same.
 */
export function difference(
  actual: ComponentValueType | undefined,
  expected: ComponentValueType | undefined,
): string | undefined {
  if (actual === expected) return undefined;
  if (actual === undefined || expected === undefined) {
    return `expected ${expected?.kind ?? "no type"}, found ${actual?.kind ?? "no type"}`;
  }
  let equal = equalTypes.get(actual);
  if (equal?.has(expected)) return undefined;
  const found = compare(actual, expected);
  if (found !== undefined) return found;
  if (!equal) equalTypes.set(actual, equal = new WeakSet());
  equal.add(expected);
}

/** Pairs found equal. Types share parts, so a comparison without it takes exponential time. */
const equalTypes = new WeakMap<ComponentValueType, WeakSet<ComponentValueType>>();

function compare(actual: ComponentValueType, expected: ComponentValueType): string | undefined {
  if (actual.kind !== expected.kind) return `expected ${expected.kind}, found ${actual.kind}`;
  switch (actual.kind) {
    case "record":
      return expected.kind === actual.kind
        ? labelled(actual.fields, expected.fields, "field")
        : undefined;
    case "variant":
      return expected.kind === actual.kind
        ? labelled(actual.cases, expected.cases, "case")
        : undefined;
    case "flags":
    case "enum":
      return expected.kind === actual.kind &&
          actual.labels.join("\n") !== expected.labels.join("\n")
        ? `mismatch in ${actual.kind} elements`
        : undefined;
    case "tuple": {
      if (expected.kind !== actual.kind) return undefined;
      if (actual.types.length !== expected.types.length) {
        return `expected ${expected.types.length} types, found ${actual.types.length}`;
      }
      return first(actual.types, (type, index) => difference(type, expected.types[index]));
    }
    case "list":
      if (expected.kind !== actual.kind) return undefined;
      if (actual.length !== expected.length) return "mismatch of list lengths";
      return difference(actual.element, expected.element);
    case "option":
      return expected.kind === actual.kind ? difference(actual.type, expected.type) : undefined;
    case "result":
      return expected.kind === actual.kind
        ? difference(actual.ok, expected.ok) ?? difference(actual.error, expected.error)
        : undefined;
    case "own":
    case "borrow":
      return (expected.kind === "own" || expected.kind === "borrow") &&
          actual.resource.identity !== expected.resource.identity
        ? "resource types are not the same"
        : undefined;
    case "stream":
    case "future":
      return expected.kind === "stream" || expected.kind === "future"
        ? difference(actual.element, expected.element)
        : undefined;
    case "map":
      return expected.kind === actual.kind
        ? difference(actual.key, expected.key) ?? difference(actual.value, expected.value)
        : undefined;
    default:
      return undefined;
  }
}

/** Returns the difference between two function types as a clause, or undefined. */
export function funcDifference(actual: FuncType, expected: FuncType): string | undefined {
  if (actual.isAsync !== expected.isAsync) return "expected an async and a sync function to match";
  if (actual.params.length !== expected.params.length) {
    return `expected ${expected.params.length} parameters, found ${actual.params.length}`;
  }
  return labelled(actual.params, expected.params, "parameter") ??
    difference(actual.result, expected.result);
}

interface MaybeLabelled {
  readonly label: string;
  readonly type: ComponentValueType | undefined;
}

function labelled(
  actual: readonly MaybeLabelled[],
  expected: readonly MaybeLabelled[],
  what: string,
): string | undefined {
  if (actual.length !== expected.length) {
    return `expected ${expected.length} ${what}s, found ${actual.length}`;
  }
  return first(actual, ({ label, type }, index) => {
    const wanted = expected[index];
    if (label !== wanted?.label) return `expected ${what} "${wanted?.label}", found "${label}"`;
    const found = difference(type, wanted.type);
    return found && `type mismatch in ${what} "${label}": ${found}`;
  });
}

function first<T>(
  items: readonly T[],
  find: (item: T, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
}
