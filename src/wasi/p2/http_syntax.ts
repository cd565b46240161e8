/** `wasi:http/types.method` and `scheme` */
export type HttpVariant = { readonly tag: string; readonly value?: string };

const methods = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

/** Returns a method of HTTP as the variant. */
export function toMethod(method: string): HttpVariant {
  const lower = method.toLowerCase();
  return methods.includes(lower) && method === method.toUpperCase()
    ? { tag: lower }
    : { tag: "other", value: method };
}

/** Returns the variant as a method of HTTP. */
export function fromMethod({ tag, value }: HttpVariant): string {
  return tag === "other" ? value ?? "" : tag.toUpperCase();
}

/**
 * A path and query as they stand in a request line: no space, no control character, no `<` or `>`,
 * and no backtick in the path.
 */
const pathPattern = /^(?:(?:\/[!-;=?-_a-~\u0080-\uffff]*)?(?:\?[!-;=?-~\u0080-\uffff]*)?)$/;
/** An authority (RFC 3986 § 3.2), with a port from 0 to 65535 if there is a colon. */
const authorityPattern =
  /^(?:[\w.~!$&'()*+,;=:%-]*@)?(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::(\d{1,5}))?$/;
const schemePattern = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const methodPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Reports whether a text is a method (RFC 9110 § 9.1). */
export function isMethod(text: string): boolean {
  return methodPattern.test(text);
}

/** Reports whether a text is a scheme (RFC 3986 § 3.1). */
export function isScheme(text: string): boolean {
  return schemePattern.test(text);
}

/** Returns a path with a query, absolute as it is sent to an authority (RFC 3986 § 5.2.3). */
export function toAbsolute(path: string): string {
  return /^[/?]/.test(path) ? path : `/${path}`;
}

/** Reports whether a text is a path with a query, or empty. */
export function isPath(text: string): boolean {
  return pathPattern.test(text);
}

/** Reports whether a text is an authority (RFC 3986 § 3.2). */
export function isAuthority(text: string): boolean {
  const match = authorityPattern.exec(text);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}
