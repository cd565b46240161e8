import { isNameComponent, isTag, type ModuleName } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";

/** First segments of the server's other paths, which therefore cannot be users. */
const reserved = new Set(["upload", "info", "modules", "v2", "health", "metrics", "capsule"]);

/** A part becomes a directory and a file name (with `.wasm`), and file systems allow 255 bytes. */
const maxPartLength = 128;

/**
 * Checks the names in a path of the module interface.
 *
 * @throws HttpError 400 `NAME_INVALID`, with the part, the rule and a valid name where one is near.
 */
export function assertModuleName({ user, module, tag }: ModuleName): void {
  for (const [part, text] of [["user", user], ["module", module]] as const) {
    if (isPart(text)) continue;
    const rule = text.length > maxPartLength
      ? `has at most ${maxPartLength} characters`
      : 'has lower-case letters and digits, with single ".", "_", "__" or "-" between them';
    const lower = text.toLowerCase();
    const hint = lower !== text && isPart(lower) ? ` (try "${lower}")` : "";
    throw new HttpError(400, "NAME_INVALID", `the name of a ${part} ${rule}: got "${text}"${hint}`);
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

/**
 * Splits a repository's name into user and module; `undefined` where the module interface cannot
 * show it: it has another number of parts, or one that cannot be a directory.
 */
export function splitRepository(repository: string): { user: string; module: string } | undefined {
  const [user = "", module = "", ...more] = repository.split("/");
  if (more.length > 0 || !isPart(user) || reserved.has(user) || !isPart(module)) return undefined;
  return { user, module };
}

function isPart(text: string): boolean {
  return text.length <= maxPartLength && isNameComponent(text);
}
