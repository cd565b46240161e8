import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { type Entry, type FunctionRoutes, isName, nameRule, type Routes, urlFault } from "./routes.ts";

/**
 * The routes of a configuration file.
 *
 * @throws CapsuleError `CONFIG`, with line and column of what is wrong.
 */
export async function readConfigFile(path: string): Promise<Routes> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file" : messageOf(error);
    throw new CapsuleError("CONFIG", `cannot read -config=${path}: ${reason}`, { cause: error });
  }
  return readConfig(text, path);
}

/**
 * The routes of a YAML text: function → revision → URLs, at the root or under `functions:`. A list of one may be written without its
 * dash, an item may be `{ url, weight }`, and beside a function's revisions `weights:` may share out the calls that name none.
 *
 * @throws CapsuleError `CONFIG`: `config.yaml:3:5: …`.
 */
export function readConfig(text: string, name: string): Routes {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new CapsuleError("CONFIG", `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}`);
  };
  const [error] = document.errors;
  if (error) fail(error.pos[0], error.message);
  return new Reader(document, fail).read();
}

type Pair = readonly [key: string, offset: number, value: Node | null];

class Reader {
  readonly #document: Document.Parsed;
  readonly #fail: (offset: number, message: string) => never;

  constructor(document: Document.Parsed, fail: (offset: number, message: string) => never) {
    this.#document = document;
    this.#fail = fail;
  }

  read(): Routes {
    const root = this.#map(this.#document.contents, 0, "functions, each with its revisions");
    const pairs = this.#pairs(root).filter(([key]) => key !== "filters");
    const wrapped = pairs.find(([key, , value]) => key === "functions" && this.#holdsMaps(value));
    if (wrapped === undefined) return this.#functions(pairs);
    const other = pairs.find((pair) => pair !== wrapped);
    if (other) this.#fail(other[1], `expected nothing beside "functions" and "filters", found "${other[0]}"`);
    return this.#functions(
      this.#pairs(this.#map(wrapped[2], wrapped[1], "functions, each with its revisions")),
    );
  }

  #functions(pairs: readonly Pair[]): Routes {
    return new Map(pairs.map(([name, offset, value]) => {
      this.#name(name, offset);
      return [name, this.#function(name, offset, value)];
    }));
  }

  #function(name: string, offset: number, value: Node | null): FunctionRoutes {
    const revisions = new Map<string, readonly Entry[]>();
    let shares: Pair | undefined;
    for (const pair of this.#pairs(this.#map(value, offset, `revisions of "${name}", each with its URLs`))) {
      const [revision, at, urls] = pair;
      if (revision === "weights" && isMap(this.#resolve(urls)) && !this.#isEntry(urls)) {
        shares = pair;
        continue;
      }
      this.#name(revision, at);
      revisions.set(revision, this.#entries(urls, at));
    }
    if (revisions.size === 0) this.#fail(offset, `expected at least one revision of "${name}"`);
    return shares ? { revisions, weights: this.#weights(shares, revisions) } : { revisions };
  }

  #weights([, offset, value]: Pair, revisions: ReadonlyMap<string, unknown>): Map<string, number> {
    const weights = new Map<string, number>();
    for (
      const [revision, at, share] of this.#pairs(this.#map(value, offset, "revisions with their weights"))
    ) {
      if (!revisions.has(revision)) {
        this.#fail(
          at,
          `expected a revision of this function, found "${revision}"`,
        );
      }
      weights.set(revision, this.#weight(share, at, 0));
    }
    if (![...weights.values()].some((weight) => weight > 0)) {
      this.#fail(offset, "expected at least one weight above 0");
    }
    return weights;
  }

  #entries(value: Node | null, offset: number): Entry[] {
    const node = this.#resolve(value);
    const items = isSeq(node) ? node.items : [value];
    if (items.length === 0) {
      this.#fail(offsetOf(node, offset), "expected at least one URL, found an empty list");
    }
    const seen = new Set<string>();
    return items.map((item) => {
      const at = offsetOf(item, offset);
      const entry = this.#entry(item as Node | null, at);
      if (seen.has(entry.url)) this.#fail(at, `expected each URL once, found "${entry.url}" again`);
      seen.add(entry.url);
      return entry;
    });
  }

  #entry(value: Node | null, offset: number): Entry {
    const node = this.#resolve(value);
    if (!isMap(node)) return { url: this.#url(node, offset), weight: 1 };
    let url: string | undefined;
    let weight = 1;
    for (const [key, at, part] of this.#pairs(node)) {
      if (key === "url") url = this.#url(this.#resolve(part), at);
      else if (key === "weight") weight = this.#weight(part, at, 1);
      else this.#fail(at, `expected "url" or "weight", found "${key}"`);
    }
    return { url: url ?? this.#fail(offset, 'expected "url"'), weight };
  }

  #isEntry(value: Node | null): boolean {
    const node = this.#resolve(value);
    return isMap(node) && node.has("url");
  }

  #url(node: Node | null, offset: number): string {
    const value = isScalar(node) ? node.value : undefined;
    const at = offsetOf(node, offset);
    if (typeof value !== "string") return this.#fail(at, `expected a URL, found ${kindOf(node)}`);
    const fault = urlFault(value);
    if (fault) this.#fail(at, `${fault}: found "${value.replace(/\/\/[^/@]*@/, "//…@")}"`);
    return value;
  }

  #weight(value: Node | null, offset: number, min: number): number {
    const node = this.#resolve(value);
    const weight = isScalar(node) ? node.value : undefined;
    if (typeof weight === "number" && Number.isInteger(weight) && weight >= min && weight <= 1_000_000) {
      return weight;
    }
    return this.#fail(offsetOf(node, offset), `expected a weight, a whole number from ${min} to 1000000`);
  }

  #name(name: string, offset: number): void {
    if (!isName(name)) this.#fail(offset, `expected a name (${nameRule}), found "${name}"`);
  }

  #map(value: Node | null, offset: number, expected: string): YAMLMap {
    const node = this.#resolve(value);
    return isMap(node)
      ? node
      : this.#fail(offsetOf(node, offset), `expected ${expected}, found ${kindOf(node)}`);
  }

  #pairs(map: YAMLMap): Pair[] {
    return map.items.map(({ key, value }) => {
      const node = this.#resolve(key as Node | null);
      const at = offsetOf(key, 0);
      if (!isScalar(node)) return this.#fail(at, `expected a name, found ${kindOf(node)}`);
      // As it was written: a revision called 1.0 is not the number 1.
      const text = (node as Scalar).type === "PLAIN" ? node.source ?? String(node.value) : String(node.value);
      return [text, at, value as Node | null];
    });
  }

  #holdsMaps(value: Node | null): boolean {
    const node = this.#resolve(value);
    return isMap(node) && node.items.every(({ value }) => {
      const inner = this.#resolve(value as Node | null);
      return isMap(inner) && !inner.has("url");
    });
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? node.resolve(this.#document) ?? null : node;
  }
}

function offsetOf(node: unknown, otherwise: number): number {
  const range = (node as { range?: readonly [number, number, number] | null } | null)?.range;
  return range?.[0] ?? otherwise;
}

function kindOf(node: Node | null): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  if (isScalar(node) && node.value !== null) return `"${node.value}"`;
  return "nothing";
}
