import { createHash } from "node:crypto";
import { sourcePath } from "./source_path.ts";

/** What `hello.wasm.source.json` says of the `hello.wasm` beside it. */
interface Source {
  /** For people: without credentials and query. */
  url: string;
  /** Of the whole URL, credentials and query included, which are nobody's business: is it the same one? */
  urlSha256: string;
  /** Of the module that was saved: is it still that one? */
  sha256: string;
  etag?: string;
  lastModified?: string;
}

/** What a later start needs to ask whether the module has changed. */
export type Validators = Pick<Source, "etag" | "lastModified">;

/** The URL as messages and files show it. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search && "?…"}`;
}

/**
 * The validators of the copy that was saved at `path` from this very URL and is still the same; `undefined` when there is none: a file
 * that somebody else put or changed there is not the URL's.
 */
export async function savedCopy(path: string, url: URL): Promise<Validators | undefined> {
  let source: unknown;
  try {
    source = JSON.parse(await Deno.readTextFile(sourcePath(path)));
  } catch {
    return undefined;
  }
  if (!isSource(source) || source.urlSha256 !== sha256Of(url.href)) return undefined;
  return await sha256OfFile(path) === source.sha256 ? source : undefined;
}

/** Writes down where the module at `path` came from. */
export async function noteSource(
  path: string,
  url: URL,
  saved: { sha256: string } & Validators,
): Promise<void> {
  const { sha256, etag, lastModified } = saved;
  const source: Source = {
    url: shownUrl(url),
    urlSha256: sha256Of(url.href),
    sha256,
    etag,
    lastModified,
  };
  const temporary = `${sourcePath(path)}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeTextFile(temporary, JSON.stringify(source, null, 2) + "\n", { mode: 0o600 });
    await Deno.rename(temporary, sourcePath(path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** The digest of a file, as 64 hexadecimal digits; `undefined` when it cannot be read. */
export async function sha256OfFile(path: string): Promise<string | undefined> {
  try {
    // Opening a pipe would wait for its writer.
    if (!(await Deno.stat(path)).isFile) return undefined;
    using file = await Deno.open(path);
    const hash = createHash("sha256");
    const buffer = new Uint8Array(256 * 1024);
    for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
      hash.update(buffer.subarray(0, count));
    }
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");

function isSource(value: unknown): value is Source {
  if (typeof value !== "object" || value === null) return false;
  const text = (name: string, optional = false) => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === "string" || (optional && field === undefined);
  };
  return text("urlSha256") && text("sha256") && text("etag", true) && text("lastModified", true);
}
