import { createHash } from "node:crypto";
import { writeFileAtomically } from "../base/atomic_file.ts";
import { isObject } from "../base/json.ts";
import { sourcePath } from "./source_path.ts";

/** The content of `hello.wasm.source.json`: the origin of the `hello.wasm` beside it. */
interface SavedSource {
  /** For readers: without credentials and query. */
  url: string;
  /** Identifies the whole URL without revealing its credentials and query. */
  urlSha256: string;
  /** The digest of the module as it was saved. */
  sha256: string;
  etag?: string;
  lastModified?: string;
}

/** The validators of a conditional request (RFC 9110 § 8.8). */
export type Validators = Pick<SavedSource, "etag" | "lastModified">;

/**
 * Returns the validators of the copy at `path`; `undefined` if it was not saved from this URL, or
 * has changed since.
 */
export async function savedCopy(path: string, url: URL): Promise<Validators | undefined> {
  let source: unknown;
  try {
    source = JSON.parse(await Deno.readTextFile(sourcePath(path)));
  } catch {
    return undefined;
  }
  if (!isSavedSource(source) || source.urlSha256 !== sha256Of(url.href)) return undefined;
  return await sha256OfFile(path) === source.sha256 ? source : undefined;
}

/**
 * Records where the module at `path` came from.
 *
 * @throws the file system's error.
 */
export async function noteSource(
  path: string,
  url: URL,
  { sha256, etag, lastModified }: { sha256: string } & Validators,
): Promise<void> {
  const source: SavedSource = {
    url: shownUrl(url),
    urlSha256: sha256Of(url.href),
    sha256,
    etag,
    lastModified,
  };
  await writeFileAtomically(sourcePath(path), JSON.stringify(source, null, 2) + "\n", {
    mode: 0o600,
  });
}

/** Returns a file's SHA-256 as 64 hexadecimal digits; `undefined` if it cannot be read. */
export async function sha256OfFile(path: string): Promise<string | undefined> {
  try {
    // Opening a pipe would wait for its writer.
    if (!(await Deno.stat(path)).isFile) return undefined;
    const { readable } = await Deno.open(path);
    const hash = createHash("sha256");
    for await (const piece of readable) hash.update(piece);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

/** Formats a URL for messages and files: without credentials and query. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search && "?…"}`;
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function isSavedSource(value: unknown): value is SavedSource {
  if (!isObject(value)) return false;
  const isText = (name: string) => typeof value[name] === "string";
  const isOptional = (name: string) => value[name] === undefined || isText(name);
  return isText("urlSha256") && isText("sha256") && isOptional("etag") &&
    isOptional("lastModified");
}
