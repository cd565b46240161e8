/**
 * The grammar of names.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#import-and-export-definitions
 */

const label = "(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*";
const words = "[a-z][0-9a-z]*(?:-[0-9a-z]+)*";
const number = "(?:0|[1-9][0-9]*)";
const preRelease = `(?:${number}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const semver = `${number}\\.${number}\\.${number}` +
  `(?:-${preRelease}(?:\\.${preRelease})*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?`;
const canonicalVersion = "[1-9][0-9]*|0\\.[1-9][0-9]*|0\\.0\\.[1-9][0-9]*|0\\.0\\.0";

const labelPattern = new RegExp(`^${label}$`);
const plainPattern = new RegExp(
  `^(?:(${label})|\\[constructor\\](${label})|\\[(method|static)\\](${label})\\.(${label}))$`,
);
const interfacePattern = new RegExp(
  `^(${words}:${words}/${label})(?:@(${semver}|${canonicalVersion}))?$`,
);

/** A parsed name of an import or export. */
export type ExternName =
  | { readonly kind: "label" }
  | { readonly kind: "constructor" | "method" | "static"; readonly resource: string }
  | {
    readonly kind: "interface";
    /** Such as `wasi:http/types`. */
    readonly name: string;
    readonly version: string | undefined;
  };

/** Reports whether text is a label in kebab case. */
export function isLabel(text: string): boolean {
  return labelPattern.test(text);
}

/** Parses the name of an import or export. Returns undefined if it is invalid. */
export function parseExternName(text: string): ExternName | undefined {
  const plain = plainPattern.exec(text);
  if (plain) {
    const [, , constructed, kind, resource] = plain;
    if (constructed !== undefined) return { kind: "constructor", resource: constructed };
    if (resource === undefined) return { kind: "label" };
    return { kind: kind === "method" ? "method" : "static", resource };
  }
  const [, name, version] = interfacePattern.exec(text) ?? [];
  return name === undefined ? undefined : { kind: "interface", name, version };
}

/**
 * Returns the key by which names of one scope must differ: two names with the same key would become
 * the same identifier in a programming language.
 */
export function uniqueKey(name: string): string {
  const lower = name.toLowerCase();
  const [, first, second] = /^\[(?:method|static)\](.+)\.(.+)$/.exec(lower) ?? [];
  if (first !== undefined && first === second) return first;
  return lower.replace(/^\[(?!constructor\])[^\]]*\]/, "");
}

/**
 * Returns the part of a version that compatible versions share: `0.2` of `0.2.6`, `1` of `1.4.0`,
 * `0.0.3` of `0.0.3`. A pre-release counts as its release.
 */
function compatibleVersion(version: string): string {
  const [major = "0", minor = "0", patch = "0"] = version.split(/[.+-]/);
  if (major !== "0") return major;
  return minor !== "0" ? `0.${minor}` : `0.0.${patch}`;
}

/** Returns a name with the part of its version that compatible versions share. */
export function compatibleName(text: string): string {
  const parsed = parseExternName(text);
  if (parsed?.kind !== "interface" || parsed.version === undefined) return text;
  return `${parsed.name}@${compatibleVersion(parsed.version)}`;
}
