import * as z from "zod";
import { isObject } from "../../base/json.ts";
import { atKey, decodeYaml, fields, mapOf, readYaml } from "../../base/yaml_file.ts";
import type { FunctionRoutes, Routes, UpstreamEntry } from "./routes.ts";
import { nameFault, upstreamUrl, weightFrom } from "./schema.ts";

/**
 * Reads the routes of a configuration file.
 *
 * @throws CapsuleError `CONFIG`, with the line and column of what is wrong.
 */
export async function readConfigFile(path: string): Promise<Routes> {
  return await readYaml(path, config, "-config");
}

/**
 * Decodes the routes of a YAML text: function → revision → URLs, at the root or under `functions:`.
 * A list of one may be written without its dash, an item may be `{ url, weight }`, and beside a
 * function's revisions `weights:` may share out the calls that name none.
 *
 * @throws CapsuleError `CONFIG`: `config.yaml:3:5: …`.
 */
export function decodeConfig(text: string, name: string): Routes {
  return decodeYaml(text, config, name);
}

const entry = z.preprocess(
  (item) => isObject(item) ? item : { url: item },
  fields({ url: upstreamUrl, weight: weightFrom(1).optional() }, "a URL"),
).transform(({ url, weight = 1 }): UpstreamEntry => ({ url, weight }));

const entries = z.preprocess(
  (value) => Array.isArray(value) ? value : [value],
  z.array(entry).min(1, "a revision must have at least one URL"),
).superRefine((list, context) => {
  const seen = new Set<string>();
  for (const [index, { url }] of list.entries()) {
    if (seen.has(url)) {
      context.addIssue({ code: "custom", path: [index], message: "expected each URL once" });
    }
    seen.add(url);
  }
});

const weights = mapOf(weightFrom(0), { expected: "revisions with their weights" });

const functionRoutes = mapOf<readonly UpstreamEntry[] | Map<string, number>>(
  (name, value) => isWeights(name, value) ? weights : entries,
  { expected: "revisions, each with its URLs", nameFault },
).transform((all, context): FunctionRoutes => {
  const issue = (message: string, path: string[]) =>
    context.addIssue({ code: "custom", path, message, params: atKey });
  const revisions = new Map<string, readonly UpstreamEntry[]>();
  let shares: Map<string, number> | undefined;
  for (const [name, each] of all) {
    if (each instanceof Map) shares = each;
    else revisions.set(name, each);
  }
  if (revisions.size === 0) issue("a function must have at least one revision", []);
  if (shares === undefined) return { revisions };
  for (const name of shares.keys()) {
    if (!revisions.has(name)) issue("expected a revision of this function", ["weights", name]);
  }
  if (!Array.from(shares.values()).some((weight) => weight > 0)) {
    issue("at least one weight must be above 0", ["weights"]);
  }
  return { revisions, weights: shares };
});

const functions = mapOf(functionRoutes, {
  expected: "functions, each with its revisions",
  nameFault,
});
const wrapped = fields(
  { functions, filters: z.unknown().optional() },
  "functions, each with its revisions",
).transform((root): Routes => root.functions);
/** A file of 0.1.3 may have `filters:`, which this version ignores. */
const bare = z.preprocess((root) => {
  if (!isObject(root)) return root;
  const { filters: _, ...rest } = root;
  return rest;
}, functions);
const config: z.ZodType<Routes> = z.unknown().transform((root, context): Routes => {
  const parsed = (isObject(root) && holdsMaps(root.functions) ? wrapped : bare).safeParse(root);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.addIssue({ ...issue });
  return z.NEVER;
});

/** `weights:` is a revision where it has a URL. */
function isWeights(name: string, value: unknown): boolean {
  return name === "weights" && isObject(value) && !Object.hasOwn(value, "url");
}

/** `functions:` is a function where its values are URLs. */
function holdsMaps(value: unknown): boolean {
  return isObject(value) &&
    Object.values(value).every((inner) => isObject(inner) && !Object.hasOwn(inner, "url"));
}
