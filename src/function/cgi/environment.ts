import config from "../../../deno.json" with { type: "json" };
import { type ByteString, writeByteString } from "../../base/byte_string.ts";
import { HttpError } from "../../server/http_error.ts";
import type { VariableValue } from "../../wasi/wasi.ts";

/** A request, as a program's environment describes it. */
export interface CgiRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: ByteString;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: ByteString])[];
  /** Length of the body in bytes; undefined without a body. */
  readonly bodyLength: number | undefined;
  readonly client: { readonly hostname: string; readonly port: number };
  readonly protocol: "HTTP/1.1" | "HTTP/2.0";
  readonly server: { readonly hostname: string; readonly port: number; readonly isTls: boolean };
}

/**
 * Headers that do not become `HTTP_` variables: two have variables of their own, and clients take
 * `HTTP_PROXY` for a setting (CVE-2016-5385).
 */
const notAsHeader = new Set(["content-length", "content-type", "proxy"]);

/**
 * Returns the variables of RFC 3875 § 4.1 and the customary `REQUEST_URI`, `REMOTE_PORT` and
 * `HTTPS`. Values are the bytes that the client sent.
 *
 * The program is the whole site: `SCRIPT_NAME` is empty and `PATH_INFO` is the whole path. A header
 * with an underscore in its name is skipped, as its variable would equal that of a name with `-`.
 *
 * @throws HttpError 400 for a zero byte in the path, which no variable can hold.
 */
export function cgiEnvironment(request: CgiRequest): Record<string, VariableValue> {
  const { method, target, headers, bodyLength, client, server, protocol } = request;
  const queryMark = target.indexOf("?");
  const variables: Record<string, VariableValue> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    PATH_INFO: decodePath(queryMark < 0 ? target : target.slice(0, queryMark)),
    QUERY_STRING: queryMark < 0 ? "" : bytesOf(target.slice(queryMark + 1)),
    REMOTE_ADDR: client.hostname,
    REMOTE_HOST: client.hostname,
    REMOTE_PORT: String(client.port),
    REQUEST_METHOD: method,
    REQUEST_URI: bytesOf(target),
    SCRIPT_NAME: "",
    SERVER_NAME: server.hostname,
    SERVER_PORT: String(server.port),
    SERVER_PROTOCOL: protocol,
    SERVER_SOFTWARE: `capsule/${config.version}`,
  };
  if (server.isTls) variables.HTTPS = "on";
  if (bodyLength !== undefined) variables.CONTENT_LENGTH = String(bodyLength);
  for (const [name, value] of headers) {
    if (name === "host" && value !== "") variables.SERVER_NAME = withoutPort(value);
    if (name === "content-type") variables.CONTENT_TYPE = bytesOf(value);
    if (notAsHeader.has(name) || !/^[a-z0-9-]+$/.test(name)) continue;
    variables[`HTTP_${name.toUpperCase().replaceAll("-", "_")}`] = bytesOf(value);
  }
  return variables;
}

/** `localhost:8080` → `localhost`, `[::1]:8080` → `[::1]`. */
function withoutPort(host: string): string {
  return host.replace(/:\d*$/, "");
}

function bytesOf(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeByteString(text, bytes, 0);
  return bytes;
}

/** Decodes the percent-encoding of a path; a `%` without two hexadecimal digits is kept. */
function decodePath(path: string): Uint8Array {
  const decoded = path.replace(
    /%([0-9a-fA-F]{2})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
  if (decoded.includes("\0")) {
    throw new HttpError(
      400,
      "BAD_PATH",
      "a path with a zero byte (%00) cannot be passed to a program",
    );
  }
  return bytesOf(decoded);
}
