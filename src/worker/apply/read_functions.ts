import * as z from "zod";
import type { Env } from "../../base/io.ts";
import { atKey, decodeYaml, fields, mapOf, readYaml } from "../../base/yaml_file.ts";
import { instancesFrom, nameFault, revisionFields } from "../revision_schema.ts";
import type { FunctionSpec, FunctionSpecs, RevisionSpec } from "./function_specs.ts";

/**
 * Reads the functions of a file for `-mode=apply`.
 *
 * @throws CapsuleError `CONFIG`, with the line and column of what is wrong.
 */
export async function readFunctionsFile(
  path: string,
  env: Pick<Env, "get">,
): Promise<FunctionSpecs> {
  return await readYaml(path, functionsSchema(env), "-config");
}

/**
 * Decodes the functions of a YAML text: `functions:` → function → revision → its fields. A variable
 * without a value has that of `env`.
 *
 * @throws CapsuleError `CONFIG`: `functions.yaml:3:5: …`.
 */
export function readFunctions(
  text: string,
  { name, env }: { name: string; env: Pick<Env, "get"> },
): FunctionSpecs {
  return decodeYaml(text, functionsSchema(env), name);
}

function functionsSchema(env: Pick<Env, "get">): z.ZodType<FunctionSpecs> {
  const { downloadUrl, sha256, idle } = revisionFields;
  const revision = fields({
    downloadUrl,
    sha256: sha256.optional(),
    instances: instancesFrom(1).optional(),
    envVariables: variables(env).optional(),
    idle: idle.optional(),
    default: z.boolean({ error: () => "expected true or false" }).optional(),
  }, '"downloadUrl" and other fields');
  const revisions = mapOf(revision, {
    expected: "revisions, each with its downloadUrl",
    nameFault,
  });
  const functions = mapOf(revisions.transform(functionSpec), {
    expected: "functions, each with its revisions",
    nameFault,
  });
  return fields({ functions }, '"functions:"').transform((file) => file.functions);
}

/** A variable without a value has that of the environment. */
function variables(env: Pick<Env, "get">): z.ZodType<Record<string, string>> {
  const text = z.string({ error: () => "expected a text" });
  const fromEnv = (name: string) =>
    z.null().transform((_, context) => {
      const value = env.get(name);
      if (value !== undefined) return value;
      const message = `a value of ${name} is missing, here and in the environment`;
      context.addIssue({ code: "custom", message, params: atKey });
      return z.NEVER;
    });
  return mapOf<string>((name, value) => value === null ? fromEnv(name) : text, {
    expected: "variables, each with its value",
  }).transform((values) => Object.fromEntries(values));
}

function functionSpec(
  revisions: ReadonlyMap<
    string,
    Partial<RevisionSpec> & { downloadUrl: string; default?: boolean }
  >,
  context: z.RefinementCtx,
): FunctionSpec {
  const issue = (message: string, path: string[]) =>
    context.addIssue({ code: "custom", path, message, params: atKey });
  const specs = new Map<string, RevisionSpec>();
  let defaultRevision: string | undefined;
  for (const [name, { default: isDefault = false, ...spec }] of revisions) {
    specs.set(name, {
      ...spec,
      instances: spec.instances ?? 1,
      envVariables: spec.envVariables ?? {},
    });
    if (isDefault && defaultRevision !== undefined) {
      issue(`"${defaultRevision}" is the default revision already`, [name, "default"]);
    }
    if (isDefault) defaultRevision ??= name;
  }
  if (specs.size === 0) issue("a function must have at least one revision", []);
  return { revisions: specs, defaultRevision };
}
