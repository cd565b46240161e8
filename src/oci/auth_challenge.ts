/** A challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  scheme: "basic" | "bearer";
  parameters: Readonly<Record<string, string>>;
}

/**
 * Parses the first supported challenge of a header: `Bearer realm="…",service="…",scope="…"` or
 * `Basic realm="…"`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate
 */
export function parseChallenge(header: string): Challenge | undefined {
  for (
    const [, scheme = "", rest = ""] of header.matchAll(
      /(?:^|,)\s*(basic|bearer)\b((?:[^",]|"(?:[^"\\]|\\.)*"|,(?!\s*(?:basic|bearer)\b))*)/gi,
    )
  ) {
    const parameters: Record<string, string> = {};
    for (
      const [, name = "", quoted, bare] of rest.matchAll(
        /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g,
      )
    ) {
      parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    }
    const lower = scheme.toLowerCase();
    if (lower === "basic" || lower === "bearer") return { scheme: lower, parameters };
  }
  return undefined;
}
