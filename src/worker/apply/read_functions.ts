import { isName, nameRule } from "../../base/function_names.ts";
import type { Env } from "../../base/io.ts";
import { parseDurationMs } from "../../base/units.ts";
import { parseYaml, readYamlFile, type YamlPair, type YamlValue } from "../../base/yaml_file.ts";
import { maxInstances } from "../state/desired_state.ts";
import type { FunctionSpec, FunctionSpecs, RevisionSpec } from "./function_specs.ts";

const expectedFunctions = "functions, each with its revisions";
const fields = ["downloadUrl", "sha256", "instances", "envVariables", "idle", "default"] as const;

/**
 * The functions of a file for `-mode=apply`.
 *
 * @throws CapsuleError `CONFIG`, with line and column of what is wrong.
 */
export async function readFunctionsFile(
  path: string,
  env: Pick<Env, "get">,
): Promise<FunctionSpecs> {
  return functionsIn(await readYamlFile(path, "-config"), env);
}

/**
 * The functions of a YAML text: `functions:` → function → revision → `downloadUrl` and what else there is to say of it. A variable
 * without a value takes that of `env`.
 *
 * @throws CapsuleError `CONFIG`: `functions.yaml:3:5: …`.
 */
export function readFunctions(
  text: string,
  { name, env }: { name: string; env: Pick<Env, "get"> },
): FunctionSpecs {
  return functionsIn(parseYaml(text, name), env);
}

function functionsIn(root: YamlValue, env: Pick<Env, "get">): FunctionSpecs {
  const [functions, other] = root.pairs('"functions:"').sort((a) => a.key === "functions" ? -1 : 1);
  if (functions?.key !== "functions") {
    return root.fail('expected "functions:" at the beginning of a line');
  }
  other?.fail(`expected nothing beside "functions", found "${other.key}"`);
  return new Map(
    functions.value.pairs(expectedFunctions).map((pair) => {
      checkName(pair);
      return [pair.key, functionOf(pair, env)];
    }),
  );
}

function functionOf(pair: YamlPair, env: Pick<Env, "get">): FunctionSpec {
  const { key: name, value } = pair;
  const revisions = new Map<string, RevisionSpec>();
  let defaultRevision: string | undefined;
  for (const each of value.pairs(`revisions of "${name}", each with its downloadUrl`)) {
    checkName(each);
    const { isDefault, deployment } = revisionOf(each, env);
    revisions.set(each.key, deployment);
    if (isDefault === undefined) continue;
    if (defaultRevision !== undefined) {
      isDefault.fail(
        `expected one default revision of "${name}", and "${defaultRevision}" is one already`,
      );
    }
    defaultRevision = each.key;
  }
  if (revisions.size === 0) pair.fail(`expected at least one revision of "${name}"`);
  return { revisions, defaultRevision };
}

/** `isDefault` points at the word that says so. */
function revisionOf(
  pair: YamlPair,
  env: Pick<Env, "get">,
): { deployment: RevisionSpec; isDefault: YamlPair | undefined } {
  const given = new Map<string, YamlPair>();
  for (const field of pair.value.pairs(`"downloadUrl" and other fields of "${pair.key}"`)) {
    if (!fields.some((known) => known === field.key)) {
      field.fail(`expected ${listed(fields)}, found "${field.key}"`);
    }
    given.set(field.key, field);
  }
  const value = (field: typeof fields[number]) => given.get(field)?.value;
  const url = value("downloadUrl") ?? pair.fail('expected "downloadUrl" in it');
  const sha256 = value("sha256");
  const idle = value("idle");
  const isDefault = given.get("default");
  return {
    deployment: {
      downloadUrl: urlOf(url),
      ...(sha256 && { sha256: digestOf(sha256) }),
      instances: instancesOf(value("instances")),
      envVariables: variablesOf(value("envVariables"), env),
      ...(idle && { idle: durationOf(idle) }),
    },
    isDefault: isDefault && truthOf(isDefault.value) ? isDefault : undefined,
  };
}

function urlOf(value: YamlValue): string {
  const text = value.text;
  const scheme = text !== undefined && URL.parse(text)?.protocol;
  if (text !== undefined && (scheme === "http:" || scheme === "https:" || scheme === "oci:")) {
    return text;
  }
  return value.unexpected("a URL that begins with http://, https:// or oci://");
}

function digestOf(value: YamlValue): string {
  const text = value.text?.replace(/^sha256:/, "").toLowerCase();
  return text !== undefined && /^[0-9a-f]{64}$/.test(text)
    ? text
    : value.unexpected("a digest, 64 hexadecimal digits");
}

function instancesOf(value: YamlValue | undefined): number {
  if (value === undefined) return 1;
  const { scalar } = value;
  if (
    typeof scalar === "number" && Number.isInteger(scalar) && scalar >= 1 && scalar <= maxInstances
  ) {
    return scalar;
  }
  return value.unexpected(`a number of instances from 1 to ${maxInstances}`);
}

function durationOf(value: YamlValue): string {
  const { text = "" } = value;
  try {
    if (parseDurationMs(text) > 0) return text;
  } catch {
    // Said below, with its place.
  }
  return value.unexpected("a duration such as 60s or 5m");
}

function truthOf(value: YamlValue): boolean {
  return typeof value.scalar === "boolean" ? value.scalar : value.unexpected("true or false");
}

function variablesOf(value: YamlValue | undefined, env: Pick<Env, "get">): Record<string, string> {
  if (value === undefined) return {};
  return Object.fromEntries(
    value.pairs("variables, each with its value").map(({ key, value: given, fail }) => {
      if (!given.isEmpty) return [key, given.text ?? given.unexpected("a text")];
      const own = env.get(key);
      if (own !== undefined) return [key, own];
      return fail(
        `expected a value of ${key}: none stands here, and the environment has no ${key} either`,
      );
    }),
  );
}

function checkName({ key, fail }: YamlPair): void {
  if (!isName(key)) fail(`expected a name (${nameRule}), found "${key}"`);
}

function listed(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
