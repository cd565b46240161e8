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
import { CapsuleError, messageOf } from "./errors.ts";
import { readText } from "./read_text.ts";

/**
 * A YAML file's value, whose parts know where they stand.
 *
 * @param flag names the file in messages about reading it: `-config`.
 * @throws CapsuleError `CONFIG`: what is wrong with the file, or with line and column what is wrong in it.
 */
export async function readYamlFile(path: string, flag: string): Promise<YamlValue> {
  return parseYaml(await read(path, flag), path);
}

async function read(path: string, flag: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file" : messageOf(error);
    throw new CapsuleError("CONFIG", `cannot read ${flag}=${path}: ${reason}`, { cause: error });
  }
}

/** @throws CapsuleError `CONFIG`: `config.yaml:3:5: …` */
export function parseYaml(text: string, name: string): YamlValue {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new CapsuleError(
      "CONFIG",
      `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}`,
    );
  };
  const [error] = document.errors;
  if (error) fail(error.pos[0], error.message);
  return new YamlValue(document.contents, 0, { document, fail });
}

interface Source {
  readonly document: Document.Parsed;
  readonly fail: (offset: number, message: string) => never;
}

/** A name of a map, and what stands there. */
export interface YamlPair {
  /** As it was written: what is called 1.0 is not the number 1. */
  readonly key: string;
  readonly value: YamlValue;
  /** Throws the `CapsuleError` that points at the name. */
  fail(message: string): never;
}

/** A value in a YAML text: what it is, and where. An alias is what it stands for, and where that stands. */
export class YamlValue {
  readonly #node: Node | null;
  readonly #offset: number;
  readonly #source: Source;

  constructor(node: Node | null, offset: number, source: Source) {
    this.#node = isAlias(node) ? node.resolve(source.document) ?? null : node;
    this.#offset = offsetOf(this.#node, offset);
    this.#source = source;
  }

  /** Throws the `CapsuleError` that points here. */
  fail(message: string): never {
    return this.#source.fail(this.#offset, message);
  }

  /** Fails with what was expected here, a map's or a list's kind or the value being what was found. */
  unexpected(expected: string): never {
    return this.fail(`expected ${expected}, found ${this.#kind}`);
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  has(key: string): boolean {
    return isMap(this.#node) && this.#node.has(key);
  }

  /** A scalar's value; `undefined` for a map, a list and for nothing at all. */
  get scalar(): unknown {
    return isScalar(this.#node) ? this.#node.value ?? undefined : undefined;
  }

  /** Whether nothing stands here, where something could. */
  get isEmpty(): boolean {
    return this.#node === null || isScalar(this.#node) && this.#node.value === null;
  }

  /** A scalar as it was written, so that 1.0 is no 1; `undefined` for a map, a list and for nothing at all. */
  get text(): string | undefined {
    return isScalar(this.#node) && !this.isEmpty ? written(this.#node) : undefined;
  }

  /** The items of a list; `undefined` for what is none. */
  get items(): YamlValue[] | undefined {
    if (!isSeq(this.#node)) return undefined;
    return this.#node.items.map((item) =>
      new YamlValue(item as Node | null, this.#offset, this.#source)
    );
  }

  /** What a map holds, in its order; it fails with `expected` on anything else. */
  pairs(expected: string): YamlPair[] {
    if (!isMap(this.#node)) return this.unexpected(expected);
    return this.#node.items.map((pair) => this.#pair(pair));
  }

  #pair({ key, value }: YAMLMap["items"][number]): YamlPair {
    const name = new YamlValue(key as Node | null, 0, this.#source);
    const at = offsetOf(key, 0);
    const fail = (message: string) => this.#source.fail(at, message);
    if (!isScalar(name.#node)) return fail(`expected a name, found ${name.#kind}`);
    return {
      key: written(name.#node),
      value: new YamlValue(value as Node | null, at, this.#source),
      fail,
    };
  }

  get #kind(): string {
    if (isMap(this.#node)) return "a map";
    if (isSeq(this.#node)) return "a list";
    return this.scalar === undefined ? "nothing" : `"${this.scalar}"`;
  }
}

function written(node: Scalar): string {
  return node.type === "PLAIN" ? node.source ?? String(node.value) : String(node.value);
}

function offsetOf(node: unknown, otherwise: number): number {
  const range = (node as { range?: readonly [number, number, number] | null } | null)?.range;
  return range?.[0] ?? otherwise;
}
