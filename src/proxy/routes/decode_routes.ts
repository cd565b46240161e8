import * as z from "zod";
import { CapsuleError } from "../../base/errors.ts";
import { isName } from "../../base/function_names.ts";
import { type Routes, urlFault } from "./routes.ts";

const weight = z.number().int().min(0).max(1_000_000);
const entry = z.strictObject({
  url: z.string().refine((url) => urlFault(url) === undefined),
  weight: weight.min(1),
});
const functionRoutes = z.strictObject({
  revisions: z.unknown(),
  weights: z.unknown().optional(),
});

/**
 * Reads what `encodeRoutes` made.
 *
 * @throws CapsuleError `ROUTES` when it is something else; `from` says where it comes from.
 */
export function decodeRoutes(value: unknown, from: string): Routes {
  try {
    return readMap(value, (each) => {
      const { revisions, weights } = functionRoutes.parse(each);
      return {
        revisions: readMap(revisions, (entries) => z.array(entry).parse(entries)),
        ...(weights !== undefined && { weights: readMap(weights, (share) => weight.parse(share)) }),
      };
    });
  } catch (error) {
    throw new CapsuleError(
      "ROUTES",
      `${from} does not hold routes as this version of Capsule writes them`,
      {
        cause: error,
      },
    );
  }
}

/** By hand and not by `z.record`, since a name may be `__proto__`. */
function readMap<T>(value: unknown, of: (value: unknown) => T): Map<string, T> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("no object");
  }
  return new Map(
    Object.entries(value).map(([name, each]) => {
      if (!isName(name)) throw new TypeError(`no name: ${name}`);
      return [name, of(each)];
    }),
  );
}
