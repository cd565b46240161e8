import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { CapsuleError } from "./errors.ts";

/** A node of a YAML document with its position in the text. An alias is the node of its anchor. */
export interface YamlNode {
  readonly kind: "map" | "list" | "scalar" | "nothing";
  readonly offset: number;
  /** The scalar as it is written: `1.10` is not the number 1.1. */
  readonly text?: string;
  /** The plain JavaScript value. */
  readonly value: unknown;
  readonly entries?: ReadonlyMap<string, YamlEntry>;
  readonly items?: readonly YamlNode[];
  /** Nodes in it, those behind aliases counted each time. */
  readonly size: number;
}

/** An entry of a map. */
export interface YamlEntry {
  readonly keyOffset: number;
  readonly node: YamlNode;
}

/** A parsed document: its root, and errors that point into its text. */
export interface YamlDocument {
  readonly root: YamlNode;
  /** Returns the error `name:line:column: message` for a position in the text. */
  errorAt(offset: number, message: string): CapsuleError;
}

/** A configuration for people: beyond these limits it is a mistake or an attack. */
const limits = { characters: 4 * 1024 * 1024, depth: 64, size: 1_000_000 };

/**
 * Parses one YAML 1.2 document with merge keys (`<<`), in time linear to its length.
 *
 * @throws CapsuleError `CONFIG`: invalid YAML, a key that is not a scalar or is written twice, an
 * unknown anchor, more than 4 MiB, more than 64 levels, or aliases that stand for a million nodes.
 */
export function parseYamlNodes(text: string, name: string): YamlDocument {
  if (text.length > limits.characters) {
    throw new CapsuleError("CONFIG", `${name}: expected at most 4 MiB of YAML`);
  }
  const lines = new LineCounter();
  const errorAt = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset);
    const place = `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    return new CapsuleError("CONFIG", `${place}: ${message}`);
  };
  // `prettyErrors` and `uniqueKeys` take quadratic time.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false };
  const { contents, errors: [error] } = parseDocument(text, options);
  if (error) throw errorAt(error.pos[0], error.message);
  return { root: new NodeReader(errorAt).read(contents, 0, 0), errorAt };
}

class NodeReader {
  readonly #errorAt: YamlDocument["errorAt"];
  readonly #anchors = new Map<string, YamlNode>();
  #size = 0;

  constructor(errorAt: YamlDocument["errorAt"]) {
    this.#errorAt = errorAt;
  }

  read(node: Node | null, offset: number, depth: number): YamlNode {
    const at = node?.range?.[0] ?? offset;
    if (depth >= limits.depth) throw this.#errorAt(at, `expected at most ${limits.depth} levels`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target) return this.#counted(target, target.size, at);
      throw this.#errorAt(at, `expected an alias of an anchor above, found "*${node.source}"`);
    }
    const read = this.#counted(this.#readOwn(node, at, depth), 1, at);
    if (node?.anchor) this.#anchors.set(node.anchor, read);
    return read;
  }

  #counted(node: YamlNode, size: number, at: number): YamlNode {
    this.#size += size;
    if (this.#size <= limits.size) return node;
    throw this.#errorAt(at, `expected at most ${limits.size} values, aliases included`);
  }

  #readOwn(node: Node | null, offset: number, depth: number): YamlNode {
    if (isMap(node)) return this.#readMap(node.items, offset, depth);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item as Node | null, offset, depth + 1));
      const value = items.map((item) => item.value);
      return { kind: "list", offset, value, items, size: total(items) };
    }
    if (!isScalar(node) || node.value === null) {
      return { kind: "nothing", offset, value: null, size: 1 };
    }
    const text = node.type === "PLAIN" ? node.source ?? String(node.value) : String(node.value);
    return { kind: "scalar", offset, text, value: node.value, size: 1 };
  }

  #readMap(
    pairs: readonly { key: unknown; value: unknown }[],
    offset: number,
    depth: number,
  ): YamlNode {
    const entries = new Map<string, YamlEntry>();
    const merged: YamlNode[] = [];
    for (const pair of pairs) {
      const key = this.read(pair.key as Node | null, offset, depth + 1);
      if (key.text === undefined) {
        throw this.#errorAt(key.offset, `expected a name, found ${describeNode(key)}`);
      }
      const keyOffset = (pair.key as Node).range?.[0] ?? offset;
      const node = this.read(pair.value as Node | null, keyOffset, depth + 1);
      if (isScalar(pair.key) && pair.key.type === "PLAIN" && key.text === "<<") {
        merged.push(...this.#mergedMaps(node));
      } else if (entries.has(key.text)) {
        throw this.#errorAt(keyOffset, `expected each name once, found "${key.text}" again`);
      } else entries.set(key.text, { keyOffset, node });
    }
    for (const map of merged) {
      for (const [key, entry] of map.entries ?? []) {
        if (!entries.has(key)) entries.set(key, entry);
      }
    }
    const value = Object.fromEntries(Array.from(entries, ([key, { node }]) => [key, node.value]));
    const size = total(Array.from(entries.values(), ({ node }) => node));
    return { kind: "map", offset, value, entries, size };
  }

  /** @see https://yaml.org/type/merge.html */
  #mergedMaps(node: YamlNode): readonly YamlNode[] {
    const maps = node.items ?? [node];
    for (const map of maps) {
      if (map.kind === "map") continue;
      throw this.#errorAt(map.offset, `expected a map to merge, found ${describeNode(map)}`);
    }
    return maps;
  }
}

function total(nodes: readonly YamlNode[]): number {
  return nodes.reduce((sum, { size }) => sum + size, 1);
}

/** Names a node in a message: its kind, or the text of a scalar without the password of a URL. */
export function describeNode({ kind, text = "" }: YamlNode): string {
  if (kind === "map") return "a map";
  if (kind === "list") return "a list";
  return kind === "nothing" ? "nothing" : quoted(text);
}

/** Quotes a text of the file for a message: up to 100 characters, a URL without its password. */
export function quoted(text: string): string {
  const shown = text.replace(/\/\/[^/@]*@/, "//…@");
  return `"${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}"`;
}
