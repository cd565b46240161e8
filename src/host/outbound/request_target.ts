import { CapsuleError } from "../../base/errors.ts";

/** A URL, as it is needed to send a request. */
export interface Target {
  /** For following redirects and comparing hosts. */
  url: URL;
  /** Path and query as the guest wrote them: `/a/../b` is not shortened, only what cannot be sent is encoded. */
  path: string;
  /** `Authorization` for `http://name:password@host/`. */
  authorization?: string;
  /** For messages: the password is not shown. */
  shown: string;
}

/**
 * Reads a guest's URL. Name and port are found as a browser finds them; path and query stay as they are.
 *
 * @throws CapsuleError `URL`
 */
export function parseTarget(text: string): Target {
  const match = /^(https?):\/\/([^/?#\\]*)([^#]*)/is.exec(text);
  if (!match || hasControl(text)) throw new CapsuleError("URL", whyNot(text));
  const [, scheme = "", authority = "", rest = ""] = match;
  let url: URL;
  try {
    url = new URL(`${scheme}://${authority}/`);
  } catch (error) {
    throw new CapsuleError("URL", `"${authority}" is no host`, { cause: error });
  }
  // A backslash is a slash to browsers, a part of the name to others: who means what is not guessed.
  if (rest.startsWith("\\")) throw new CapsuleError("URL", "a backslash ends no host");

  const { username, password } = url;
  const authorization = username || password
    ? `Basic ${btoa(latin1(`${unescaped(username)}:${unescaped(password)}`))}`
    : undefined;
  url.username = url.password = "";
  const path = encodePath(rest);
  const user = username && `${username}${password && ":xxxxx"}@`;
  return { url, path, authorization, shown: `${url.protocol}//${user}${url.host}${path}` };
}

/** Where a redirect leads: `location` is the header's value, its bytes as Latin-1, relative to the target. */
export function redirectTarget({ url, path }: Target, location: string): Target {
  const text = new TextDecoder().decode(
    Uint8Array.from(location, (character) => character.charCodeAt(0)),
  );
  try {
    return parseTarget(new URL(text, url.origin + path).href);
  } catch (error) {
    if (error instanceof CapsuleError) {
      throw new CapsuleError(
        error.code,
        `it is redirected to ${JSON.stringify(text)}: ${error.message}`,
      );
    }
    throw new CapsuleError("URL", `it is redirected to ${JSON.stringify(text)}, which is no URL`, {
      cause: error,
    });
  }
}

function whyNot(text: string): string {
  if (hasControl(text)) return "it has a control character";
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  return scheme === undefined
    ? "it has no scheme (http:// or https://)"
    : /^https?$/i.test(scheme)
    ? `after "${scheme}:" come two slashes and a host`
    : `the scheme "${scheme}" is not supported (http and https are)`;
}

/** What may not stand in a request line is written as `%XX`, the rest stays. */
function encodePath(rest: string): string {
  const [, path = "", query = ""] = /^([^?]*)(.*)$/s.exec(rest) ?? [];
  const encode = (part: string, pattern: RegExp) =>
    part.toWellFormed().replace(pattern, (found) => encodeURIComponent(found));
  // In a query Go and curl send quotes and braces as they are, and servers expect them.
  return (path === "" ? "/" : encode(path, /[^\x21-\x7e]+|["<>\\^`{|}]+/g)) +
    encode(query, /[^\x21-\x7e]+/g);
}

function hasControl(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return /[\x00-\x1f\x7f]/.test(text);
}

const latin1 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
