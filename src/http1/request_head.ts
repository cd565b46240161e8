import { BadMessage } from "./message.ts";
import { type BodyKind, chunkedBody, noBody } from "./message.ts";
import { byteText, equalsWord, space, targetBytes, tokenBytes } from "./characters.ts";
import { type Field, listItems, parseFields, parseLength } from "./fields.ts";

/**
 * The valid head of a request. Its ranges lie in `bytes`, the connection's buffer, which the next
 * read may overwrite.
 */
export interface RequestHead {
  readonly bytes: Uint8Array;
  readonly method: string;
  /** The path and the query as received, in Latin-1; or `*`. */
  readonly target: string;
  /** The minor number of `HTTP/1.x`. */
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
  /** The authority of an absolute target, or else `Host`; undefined if HTTP/1.0 has neither. */
  readonly host: string | undefined;
  /** True for an absolute target, whose authority replaces `Host` (RFC 9112 § 3.2.2). */
  readonly replacesHost: boolean;
  readonly body: BodyKind;
  /** The headers that `Connection` names, in lower case. */
  readonly connection: readonly string[];
  /** The protocols that the client offers, if `Connection` has `upgrade`, too. */
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
  readonly takesTrailers: boolean;
  /** True if the client wants to keep the connection. */
  readonly keepAlive: boolean;
}

/**
 * Parses a head from `start` to `end`, after its empty line. Refuses whatever two servers could
 * read differently (request smuggling).
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112
 * @throws BadMessage with the status for the client.
 */
export function parseRequestHead(bytes: Uint8Array, start: number, end: number): RequestHead {
  let at = start;
  while (tokenBytes[bytes[at] ?? 0] === 1) at++;
  const methodEnd = at;
  if (methodEnd === start || bytes[at] !== space) throw badLine();
  const targetStart = ++at;
  while (targetBytes[bytes[at] ?? 0] === 1) at++;
  const targetEnd = at;
  if (targetEnd === targetStart || bytes[at] !== space) throw badLine();
  const minor = minorVersion(bytes, at + 1);
  const method = byteText(bytes, start, methodEnd);
  if (method === "CONNECT") throw new BadMessage("this is not a forward proxy: got CONNECT");
  const fields = parseFields(bytes, at + 11, end);
  const read = readFields(bytes, fields, minor);
  const target = byteText(bytes, targetStart, targetEnd);
  const { path, authority } = bytes[targetStart] === slash
    ? { path: target }
    : parseOtherForm(method, target);
  return {
    bytes,
    method,
    target: path,
    minor,
    fields,
    ...read,
    host: authority ?? read.host,
    replacesHost: authority !== undefined,
  };
}

const slash = 47;

/**
 * Parses a target that is not in origin form: `*` of OPTIONS, or an absolute URL.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
function parseOtherForm(method: string, target: string): { path: string; authority?: string } {
  if (method === "OPTIONS" && target === "*") return { path: "*" };
  const [, authority = "", rest = ""] = /^https?:\/\/([^/?]*)(.*)$/is.exec(target) ?? [];
  if (!isAuthority(authority)) {
    throw new BadMessage("the target of a request must be a path or an http URL");
  }
  if (rest === "" && method === "OPTIONS") return { path: "*", authority };
  return { path: rest.startsWith("/") ? rest : `/${rest}`, authority };
}

function badLine(): BadMessage {
  return new BadMessage("the first line must be a method, a target and HTTP/1.1");
}

/** Parses `HTTP/1.x` and CR LF at `at`, and returns x. */
function minorVersion(bytes: Uint8Array, at: number): 0 | 1 {
  const version = byteText(bytes, at, at + 10);
  if (version === "HTTP/1.1\r\n") return 1;
  if (version === "HTTP/1.0\r\n") return 0;
  if (/^HTTP\/\d\.\d\r\n$/.test(version)) {
    throw new BadMessage("this server speaks HTTP/1.0 and HTTP/1.1", 505);
  }
  throw badLine();
}

function readFields(bytes: Uint8Array, fields: readonly Field[], minor: 0 | 1) {
  let host: string | undefined;
  let length: number | undefined;
  let chunked = false;
  let connection: readonly string[] = none;
  let upgrade: string | undefined;
  let expectsContinue = false;
  let takesTrailers = false;
  for (const field of fields) {
    switch (field.known) {
      case undefined:
        break;
      case "host":
        if (host !== undefined) throw new BadMessage("the request has more than one Host");
        host = byteText(bytes, field.valueStart, field.valueEnd);
        if (!isAuthority(host)) {
          throw new BadMessage("Host must be a name or an address, and a port");
        }
        break;
      case "content-length":
        if (length !== undefined) {
          throw new BadMessage("the request has more than one Content-Length");
        }
        length = parseLength(bytes, field);
        break;
      case "transfer-encoding":
        if (chunked || minor === 0) {
          throw new BadMessage("Transfer-Encoding must be one header, in HTTP/1.1");
        }
        if (!equalsWord(bytes, field.valueStart, field.valueEnd, "chunked")) {
          throw new BadMessage('Transfer-Encoding must be "chunked"');
        }
        chunked = true;
        break;
      case "connection":
        connection = [...connection, ...listItems(bytes, field)];
        break;
      case "upgrade":
        upgrade = upgrade === undefined ? "" : upgrade + ", ";
        upgrade += byteText(bytes, field.valueStart, field.valueEnd);
        break;
      case "expect":
        if (!equalsWord(bytes, field.valueStart, field.valueEnd, "100-continue")) {
          throw new BadMessage('Expect must be "100-continue"', 417);
        }
        expectsContinue = minor === 1;
        break;
      case "te":
        takesTrailers ||= listItems(bytes, field).includes("trailers");
        break;
    }
  }
  if (chunked && length !== undefined) {
    throw new BadMessage("the request has both Content-Length and Transfer-Encoding");
  }
  if (host === undefined && minor === 1) {
    throw new BadMessage("a request of HTTP/1.1 must have a Host");
  }
  const upgrades = upgrade !== undefined && connection.includes("upgrade") && minor === 1;
  return {
    host,
    body: chunked ? chunkedBody : !length ? noBody : { kind: "length", length } as const,
    connection,
    upgrade: upgrades && !/\bh2c\b/i.test(upgrade ?? "") ? upgrade : undefined,
    expectsContinue,
    takesTrailers,
    keepAlive: minor === 1 ? !connection.includes("close") : connection.includes("keep-alive"),
  };
}

const none: readonly string[] = [];

/**
 * Reports whether a text is `name`, `name:port` or `[address]:port`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
 */
function isAuthority(host: string): boolean {
  return /^(?:\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\d{0,5})?$/
    .test(
      host,
    );
}
