import { HttpError } from "../../server/http_error.ts";

/** One part of a repository's name. @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** First parts of this server's other paths, which therefore no user can have. */
const reserved = new Set(["upload", "info", "modules", "v2", "health", "metrics", "capsule"]);

/** A part becomes a folder and a file's name (with `.wasm`), and file systems end at 255 bytes. */
const longest = 128;

/** What a module is called: `k33g/hola:0.0.0`. */
export interface ModuleName {
  user: string;
  module: string;
  tag: string;
}

/** Whether the text is the name of a repository: parts between slashes, under 256 characters together. */
export function isRepository(text: string): boolean {
  return text.length < 256 && text.split("/").every((part) => component.test(part));
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** The user and the module of a repository that the description's interface can show: two parts that can be folders. */
export function splitRepository(repository: string): { user: string; module: string } | undefined {
  const [user = "", module = "", ...more] = repository.split("/");
  if (more.length > 0 || !isPart(user) || reserved.has(user) || !isPart(module)) return undefined;
  return { user, module };
}

/**
 * Checks the names in a path of the description's interface.
 *
 * @throws HttpError 400 `NAME_INVALID`, naming the part, the rule and a name that would do.
 */
export function assertModuleName({ user, module, tag }: ModuleName): void {
  for (const [what, text] of [["user", user], ["module", module]] as const) {
    if (isPart(text)) continue;
    const rule = text.length > longest
      ? `has at most ${longest} characters`
      : 'has lower-case letters and digits, with single ".", "_", "__" or "-" between them';
    const lower = text.toLowerCase();
    const hint = lower !== text && isPart(lower) ? ` (try "${lower}")` : "";
    throw new HttpError(400, "NAME_INVALID", `the name of a ${what} ${rule}: got "${text}"${hint}`);
  }
  if (reserved.has(user)) {
    throw new HttpError(
      400,
      "NAME_INVALID",
      `"${user}" cannot be a user: the registry has a page of that name`,
    );
  }
  if (!isTag(tag)) {
    throw new HttpError(
      400,
      "NAME_INVALID",
      `a tag has letters, digits, "_", "." and "-", begins with neither of the last two, and has at most 128 characters: got "${tag}"`,
    );
  }
}

function isPart(text: string): boolean {
  return text.length <= longest && component.test(text);
}
