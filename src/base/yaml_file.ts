import * as z from "zod";
import { CapsuleError, messageOf } from "./errors.ts";
import { isObject } from "./json.ts";
import { readText } from "./read_text.ts";
import { describeNode, parseYamlNodes, quoted, type YamlDocument } from "./yaml_nodes.ts";

/** An issue of a schema with these parameters points at the name in the map, not at its value. */
export const atKey = { at: "key" } as const;
/** The message of an issue with these parameters ends with what was found. */
export const withFound = { found: true } as const;

/**
 * Reads a YAML file as a value of a schema. `flag` names the file in messages: `-config`.
 *
 * The schema sees plain JavaScript values; where it wants a string, a plain scalar that YAML takes
 * for a number or a truth value is its text as written (`1.10`, `yes`). A message that begins with
 * "expected" ends with what was found. `mapOf` and `fields` are schemas with such messages.
 *
 * @throws CapsuleError `CONFIG`: the file cannot be read, or `functions.yaml:3:5: expected …`.
 */
export async function readYaml<T>(path: string, schema: z.ZodType<T>, flag: string): Promise<T> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file" : messageOf(error);
    throw new CapsuleError("CONFIG", `cannot read ${flag}=${path}: ${reason}`, { cause: error });
  }
  return decodeYaml(text, schema, path);
}

/**
 * Decodes a YAML text as `readYaml` does. `name` is the file's name in messages.
 *
 * @throws CapsuleError `CONFIG`: `functions.yaml:3:5: expected …`.
 */
export function decodeYaml<T>(text: string, schema: z.ZodType<T>, name: string): T {
  const document = parseYamlNodes(text, name);
  let result = schema.safeParse(document.root.value);
  if (!result.success && restoreTexts(document, result.error.issues)) {
    result = schema.safeParse(document.root.value);
  }
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw issueError(document, issue ?? { code: "custom", path: [], message: "is invalid" });
}

/**
 * A schema for a map with names of the file's own choice, which may be `__proto__`.
 *
 * @param of the schema of a value; a function chooses it by the name and the value.
 * @param options.expected the map in a message: "functions, each with its revisions".
 * @param options.nameFault returns the rule that a name breaks: "a name (1 to 128 letters)".
 */
export function mapOf<T>(
  of: z.ZodType<T> | ((name: string, value: unknown) => z.ZodType<T>),
  { expected, nameFault }: {
    readonly expected: string;
    readonly nameFault?: (name: string) => string | undefined;
  },
): z.ZodType<Map<string, T>> {
  return z.unknown().transform((given, context) => {
    const map = new Map<string, T>();
    if (!isObject(given)) {
      context.addIssue({ code: "custom", message: `expected ${expected}` });
      return z.NEVER;
    }
    for (const [name, value] of Object.entries(given)) {
      const fault = nameFault?.(name);
      if (fault !== undefined) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: `expected ${fault}`,
          params: atKey,
        });
      }
      const parsed = (typeof of === "function" ? of(name, value) : of).safeParse(value);
      if (parsed.success) map.set(name, parsed.data);
      else {
        for (const issue of parsed.error.issues) {
          context.addIssue({ ...issue, path: [name, ...issue.path] });
        }
      }
    }
    return map;
  });
}

/**
 * Returns a schema for an object without other fields. `expected` names the object in a message
 * about a wrong type; a message about an unknown field lists the known ones.
 */
export function fields<S extends z.ZodRawShape>(shape: S, expected: string): z.ZodObject<S> {
  const names = Object.keys(shape).map((name) => `"${name}"`);
  const listed = [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" or ");
  return z.strictObject(shape, {
    error: ({ code }) => `expected ${code === "unrecognized_keys" ? listed : expected}`,
  }) as unknown as z.ZodObject<S>;
}

/** The node that an issue's path leads to, as far as the document has it. */
interface Target {
  readonly parent: unknown;
  readonly key: string | number | undefined;
  readonly keyOffset: number | undefined;
  readonly node: YamlDocument["root"];
  /** A field that the last map of the path lacks. */
  readonly missing: string | undefined;
}

/** A schema may see a list or a map where one value stands: steps into a scalar stay there. */
function follow({ root }: YamlDocument, path: readonly PropertyKey[]): Target {
  let target: Target = {
    parent: undefined,
    key: undefined,
    keyOffset: undefined,
    node: root,
    missing: undefined,
  };
  for (const step of path) {
    const { node } = target;
    const entry = node.entries?.get(String(step));
    const item = typeof step === "number" ? node.items?.[step] : undefined;
    if (entry) {
      target = { ...entry, parent: node.value, key: String(step), missing: undefined };
    } else if (item) {
      target = {
        parent: node.value,
        key: Number(step),
        keyOffset: undefined,
        node: item,
        missing: undefined,
      };
    } else if (node.entries && typeof step === "string") {
      return { ...target, missing: step };
    }
  }
  return target;
}

/** Puts the written text where the schema wants a string and YAML saw a number or a boolean. */
function restoreTexts(document: YamlDocument, issues: readonly z.core.$ZodIssue[]): boolean {
  let restored = false;
  for (const issue of issues) {
    if (issue.code !== "invalid_type" || issue.expected !== "string") continue;
    const { parent, key, node: { kind, text, value }, missing } = follow(document, issue.path);
    if (kind !== "scalar" || typeof value === "string" || missing !== undefined) continue;
    if (typeof parent !== "object" || parent === null || key === undefined) continue;
    Object.defineProperty(parent, key, {
      value: text,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    restored = true;
  }
  return restored;
}

function issueError(document: YamlDocument, issue: z.core.$ZodIssue): CapsuleError {
  const path = issue.code === "unrecognized_keys"
    ? [...issue.path, issue.keys[0] ?? ""]
    : issue.path;
  const { key, keyOffset, node, missing } = follow(document, path);
  if (missing !== undefined) {
    return document.errorAt(keyOffset ?? node.offset, `expected ${quoted(missing)}`);
  }
  const { at, found }: { at?: unknown; found?: unknown } =
    issue.code === "custom" && issue.params || {};
  const isAtKey = issue.code === "unrecognized_keys" || at === atKey.at;
  const offset = isAtKey ? keyOffset ?? node.offset : node.offset;
  const shown = isAtKey && key !== undefined ? quoted(String(key)) : describeNode(node);
  const endsWithFound = found === true || issue.message.startsWith("expected ");
  return document.errorAt(offset, issue.message + (endsWithFound ? `, found ${shown}` : ""));
}
