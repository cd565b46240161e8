import type { CoreExternType, CoreFuncType, CoreLimits } from "../format/syntax.ts";
import type { CoreExtern, CoreModuleType } from "../link/items.ts";

/**
 * Returns why a core item cannot be used where another type is expected, as a clause for a message,
 * or undefined if it can.
 */
export function coreDifference(actual: CoreExtern, expected: CoreExtern): string | undefined {
  if (actual.kind !== expected.kind) return `expected ${expected.kind}, found ${actual.kind}`;
  switch (actual.kind) {
    case "core tag":
      // V8 compares the types of tags.
      return undefined;
    case "core func": {
      const wanted = expected as CoreExternType<CoreFuncType> & { kind: "core func" };
      return showFunc(actual.type) === showFunc(wanted.type)
        ? undefined
        : `expected a function ${showFunc(wanted.type)}, found ${showFunc(actual.type)}`;
    }
    case "core global":
      return expected.kind === actual.kind && actual.type === expected.type &&
          actual.isMutable === expected.isMutable
        ? undefined
        : "mismatch in the type of a global";
    case "core memory":
      return expected.kind === actual.kind
        ? limitsDifference(actual.limits, expected.limits)
        : undefined;
    case "core table":
      if (expected.kind !== actual.kind) return undefined;
      if (actual.element !== expected.element) return "mismatch in the element type of a table";
      return limitsDifference(actual.limits, expected.limits);
  }
}

/** Returns why a core module cannot be used as one of another type, or undefined if it can. */
export function moduleDifference(
  actual: CoreModuleType,
  expected: CoreModuleType,
): string | undefined {
  for (const [key, { module, name, type }] of actual.imports) {
    const given = expected.imports.get(key);
    if (!given) return `missing expected import \`${module}::${name}\``;
    const found = coreDifference(given.type, type);
    if (found !== undefined) return `type mismatch in import \`${module}::${name}\`: ${found}`;
  }
  for (const [name, type] of expected.exports) {
    const given = actual.exports.get(name);
    if (!given) return `missing expected export \`${name}\``;
    const found = coreDifference(given, type);
    if (found !== undefined) return `type mismatch in export \`${name}\`: ${found}`;
  }
}

/** Returns a core function type as text: `[i32 i32] -> [i64]`. */
export function showFunc({ params, results }: CoreFuncType): string {
  return `[${params.join(" ")}] -> [${results.join(" ")}]`;
}

function limitsDifference(actual: CoreLimits, expected: CoreLimits): string | undefined {
  if (actual.is64 !== expected.is64) return "mismatch in the index type";
  if (actual.isShared !== expected.isShared) return "mismatch in the shared flag";
  if (actual.min < expected.min) return "mismatch in limits: the minimum is too small";
  if (expected.max !== undefined && (actual.max === undefined || actual.max > expected.max)) {
    return "mismatch in limits: the maximum is too large";
  }
}
