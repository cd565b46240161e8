/** The resource that a request's target names. */
export type Location =
  | {
    readonly kind: "function";
    readonly name: string;
    readonly revision: string | undefined;
    readonly rest: string;
    readonly query: string;
  }
  | { readonly kind: "admin" }
  | { readonly kind: "nothing" };

const nothing: Location = { kind: "nothing" };

/**
 * Splits a target without decoding it: `/functions/hola/orange/a/b?q=1` → function `hola`, revision
 * `orange`, rest `/a/b`, query `?q=1`. `/function/…` is an alias that 0.1.3 documents.
 *
 * @param adminRoot the first segment of the admin paths, such as `memory`; absent without them.
 */
export function locate(target: string, adminRoot: string | undefined): Location {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const prefix = path.startsWith("/functions/") ? 11 : path.startsWith("/function/") ? 10 : 0;
  if (prefix === 0) {
    return adminRoot !== undefined && path.startsWith(`/${adminRoot}/`)
      ? { kind: "admin" }
      : nothing;
  }
  const query = mark < 0 ? "" : target.slice(mark);
  const nameEnd = path.indexOf("/", prefix);
  if (nameEnd === prefix || path.length === prefix) return nothing;
  if (nameEnd < 0) {
    return { kind: "function", name: path.slice(prefix), revision: undefined, rest: "", query };
  }
  const name = path.slice(prefix, nameEnd);
  const end = path.indexOf("/", nameEnd + 1);
  const revisionEnd = end < 0 ? path.length : end;
  const revision = path.slice(nameEnd + 1, revisionEnd);
  // A revision is never empty: `/functions/hola/` has the rest `/`.
  return revision === ""
    ? { kind: "function", name, revision: undefined, rest: path.slice(nameEnd), query }
    : { kind: "function", name, revision, rest: path.slice(revisionEnd), query };
}
