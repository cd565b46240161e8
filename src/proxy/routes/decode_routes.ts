import * as z from "zod";
import { CapsuleError } from "../../base/errors.ts";
import { mapOf } from "../../base/yaml_file.ts";
import type { Routes } from "./routes.ts";
import { nameFault, upstreamUrl, weightFrom } from "./schema.ts";

const entries = z.array(z.strictObject({ url: upstreamUrl, weight: weightFrom(1) }));
const functionRoutes = z.strictObject({
  revisions: mapOf(entries, { expected: "revisions", nameFault }),
  weights: mapOf(weightFrom(0), { expected: "weights", nameFault }).optional(),
});
const routes = mapOf(functionRoutes, { expected: "functions", nameFault });

/**
 * Decodes the JSON value of `encodeRoutes`.
 *
 * @param from the source in messages.
 * @throws CapsuleError `ROUTES` if it is something else.
 */
export function decodeRoutes(value: unknown, from: string): Routes {
  const { data, error } = routes.safeParse(value);
  if (data !== undefined) return data;
  const message = `${from} does not hold routes as this version of Capsule writes them`;
  throw new CapsuleError("ROUTES", message, { cause: error });
}
