import { encodeByteString } from "../../base/byte_string.ts";
import { encodeText, readByteString } from "../../base/byte_string.ts";
import { CapsuleError } from "../../base/errors.ts";

/** A parsed URL of a request. */
export interface RequestTarget {
  /** The origin, for redirects and comparisons; its path is `/`. */
  url: URL;
  /**
   * Path and query as the guest wrote them: dot segments stay, only characters that are invalid in
   * a request line are encoded.
   */
  path: string;
  /** The `Authorization` of `http://user:password@host/`. */
  authorization?: string;
  /** The URL for messages, with the password masked. */
  shown: string;
}

/**
 * Parses a guest's URL: host and port as a browser does, path and query unchanged.
 *
 * @throws CapsuleError `URL`
 */
export function parseTarget(text: string): RequestTarget {
  const match = /^(https?):\/\/([^/?#\\]*)([^#]*)/is.exec(text);
  if (!match || hasControl(text)) throw new CapsuleError("URL", explainInvalid(text));
  const [, scheme = "", authority = "", rest = ""] = match;
  let url: URL;
  try {
    url = new URL(`${scheme}://${authority}/`);
  } catch (error) {
    throw new CapsuleError("URL", `"${authority}" is not a host`, { cause: error });
  }
  // Browsers read a backslash as a slash, other parsers as part of the host: refused, not guessed.
  if (rest.startsWith("\\")) throw new CapsuleError("URL", "a host cannot end with a backslash");

  const { username, password } = url;
  const authorization = username || password
    ? `Basic ${btoa(utf8ByteString(`${unescaped(username)}:${unescaped(password)}`))}`
    : undefined;
  url.username = url.password = "";
  const path = encodePath(rest);
  const user = username && `${username}${password && ":xxxxx"}@`;
  return { url, path, authorization, shown: `${url.protocol}//${user}${url.host}${path}` };
}

/**
 * Resolves a `Location` header against the target that sent it.
 *
 * @param location the header's value, a byte string.
 * @throws CapsuleError `URL`
 */
export function redirectTarget({ url, path }: RequestTarget, location: string): RequestTarget {
  const text = new TextDecoder().decode(encodeByteString(location));
  try {
    return parseTarget(new URL(text, url.origin + path).href);
  } catch (error) {
    if (error instanceof CapsuleError) {
      throw new CapsuleError(
        error.code,
        `redirected to ${JSON.stringify(text)}: ${error.message}`,
      );
    }
    throw new CapsuleError(
      "URL",
      `redirected to ${JSON.stringify(text)}, which is not a URL`,
      { cause: error },
    );
  }
}

function explainInvalid(text: string): string {
  if (hasControl(text)) return "it has a control character";
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  return scheme === undefined
    ? "it has no scheme (http:// or https://)"
    : /^https?$/i.test(scheme)
    ? `after "${scheme}:" come two slashes and a host`
    : `the scheme "${scheme}" is not supported (http and https are)`;
}

/** Percent-encodes the characters that are invalid in a request line; the rest stays. */
function encodePath(rest: string): string {
  const [, path = "", query = ""] = /^([^?]*)(.*)$/s.exec(rest) ?? [];
  const encode = (part: string, pattern: RegExp) =>
    part.toWellFormed().replace(pattern, (found) => encodeURIComponent(found));
  // Go and curl send quotes and braces in a query unencoded, and servers expect them so.
  return (path === "" ? "/" : encode(path, /[^\x21-\x7e]+|["<>\\^`{|}]+/g)) +
    encode(query, /[^\x21-\x7e]+/g);
}

function hasControl(text: string): boolean {
  // deno-lint-ignore no-control-regex -- it looks for control characters
  return /[\x00-\x1f\x7f]/.test(text);
}

function utf8ByteString(text: string): string {
  const bytes = encodeText(text);
  return readByteString(bytes, 0, bytes.length);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
