import { isName, nameRule } from "../../base/function_names.ts";
import { parseYaml, readYamlFile, type YamlPair, type YamlValue } from "../../base/yaml_file.ts";
import { type Entry, type FunctionRoutes, type Routes, urlFault } from "./routes.ts";

const expectedFunctions = "functions, each with its revisions";

/**
 * The routes of a configuration file.
 *
 * @throws CapsuleError `CONFIG`, with line and column of what is wrong.
 */
export async function readConfigFile(path: string): Promise<Routes> {
  return routesIn(await readYamlFile(path, "-config"));
}

/**
 * The routes of a YAML text: function → revision → URLs, at the root or under `functions:`. A list of one may be written without its
 * dash, an item may be `{ url, weight }`, and beside a function's revisions `weights:` may share out the calls that name none.
 *
 * @throws CapsuleError `CONFIG`: `config.yaml:3:5: …`.
 */
export function readConfig(text: string, name: string): Routes {
  return routesIn(parseYaml(text, name));
}

function routesIn(root: YamlValue): Routes {
  const pairs = root.pairs(expectedFunctions).filter(({ key }) => key !== "filters");
  const wrapped = pairs.find(({ key, value }) => key === "functions" && holdsMaps(value));
  if (wrapped === undefined) return functionsOf(pairs);
  const other = pairs.find((pair) => pair !== wrapped);
  other?.fail(`expected nothing beside "functions" and "filters", found "${other.key}"`);
  return functionsOf(wrapped.value.pairs(expectedFunctions));
}

function functionsOf(pairs: readonly YamlPair[]): Routes {
  return new Map(pairs.map((pair) => {
    checkName(pair);
    return [pair.key, functionOf(pair)];
  }));
}

function functionOf(pair: YamlPair): FunctionRoutes {
  const { key: name, value } = pair;
  const revisions = new Map<string, readonly Entry[]>();
  let shares: YamlPair | undefined;
  for (const each of value.pairs(`revisions of "${name}", each with its URLs`)) {
    if (each.key === "weights" && each.value.isMap && !each.value.has("url")) {
      shares = each;
      continue;
    }
    checkName(each);
    revisions.set(each.key, entriesOf(each.value));
  }
  if (revisions.size === 0) pair.fail(`expected at least one revision of "${name}"`);
  return shares ? { revisions, weights: weightsOf(shares, revisions) } : { revisions };
}

function weightsOf(shares: YamlPair, revisions: ReadonlyMap<string, unknown>): Map<string, number> {
  const weights = new Map<string, number>();
  for (const share of shares.value.pairs("revisions with their weights")) {
    if (!revisions.has(share.key)) {
      share.fail(`expected a revision of this function, found "${share.key}"`);
    }
    weights.set(share.key, weightOf(share.value, 0));
  }
  if (![...weights.values()].some((weight) => weight > 0)) {
    shares.fail("expected at least one weight above 0");
  }
  return weights;
}

function entriesOf(value: YamlValue): Entry[] {
  const items = value.items ?? [value];
  if (items.length === 0) value.fail("expected at least one URL, found an empty list");
  const seen = new Set<string>();
  return items.map((item) => {
    const entry = entryOf(item);
    if (seen.has(entry.url)) item.fail(`expected each URL once, found "${entry.url}" again`);
    seen.add(entry.url);
    return entry;
  });
}

function entryOf(item: YamlValue): Entry {
  if (!item.isMap) return { url: urlOf(item), weight: 1 };
  let url: string | undefined;
  let weight = 1;
  for (const pair of item.pairs("a URL")) {
    if (pair.key === "url") url = urlOf(pair.value);
    else if (pair.key === "weight") weight = weightOf(pair.value, 1);
    else pair.fail(`expected "url" or "weight", found "${pair.key}"`);
  }
  return { url: url ?? item.fail('expected "url"'), weight };
}

function urlOf(value: YamlValue): string {
  const url = value.scalar;
  if (typeof url !== "string") return value.unexpected("a URL");
  const fault = urlFault(url);
  if (fault) value.fail(`${fault}: found "${url.replace(/\/\/[^/@]*@/, "//…@")}"`);
  return url;
}

function weightOf(value: YamlValue, min: number): number {
  const weight = value.scalar;
  if (
    typeof weight === "number" && Number.isInteger(weight) && weight >= min && weight <= 1_000_000
  ) {
    return weight;
  }
  return value.fail(`expected a weight, a whole number from ${min} to 1000000`);
}

function checkName({ key, fail }: YamlPair): void {
  if (!isName(key)) fail(`expected a name (${nameRule}), found "${key}"`);
}

function holdsMaps(value: YamlValue): boolean {
  return value.isMap &&
    value.pairs("").every(({ value: inner }) => inner.isMap && !inner.has("url"));
}
