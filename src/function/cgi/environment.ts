import config from "../../../deno.json" with { type: "json" };
import { type ByteString, writeByteString } from "../../base/byte_string.ts";
import { HttpError } from "../../server/http_error.ts";
import type { VariableValue } from "../../wasi/wasi.ts";

/** What a program is told of a request. */
export interface CgiRequest {
  readonly method: string;
  /** Path and query as the client wrote them. */
  readonly target: ByteString;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: ByteString])[];
  /** The length of the body in bytes; `undefined` for none. */
  readonly bodyLength: number | undefined;
  readonly client: { readonly hostname: string; readonly port: number };
  readonly server: { readonly hostname: string; readonly port: number; readonly isTls: boolean };
}

/** Headers that have a variable of their own, and `proxy`, whose variable programs take for a setting. */
const notAsHeader = new Set(["content-length", "content-type", "proxy"]);

/**
 * The variables of RFC 3875, 4.1, with the usual `REQUEST_URI`, `REMOTE_PORT` and `HTTPS` beside them. Values are the bytes that the client sent.
 *
 * The program is the whole site: `SCRIPT_NAME` is empty and `PATH_INFO` the whole path. A header whose name has an underscore
 * is left out, since its variable would be that of the name with a dash.
 *
 * @throws HttpError 400 for a zero byte, which no variable can hold.
 */
export function cgiEnvironment(request: CgiRequest): Record<string, VariableValue> {
  const { method, target, headers, bodyLength, client, server } = request;
  const question = target.indexOf("?");
  const variables: Record<string, VariableValue> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    PATH_INFO: decodePath(question < 0 ? target : target.slice(0, question)),
    QUERY_STRING: question < 0 ? "" : bytesOf(target.slice(question + 1)),
    REMOTE_ADDR: client.hostname,
    REMOTE_HOST: client.hostname,
    REMOTE_PORT: String(client.port),
    REQUEST_METHOD: method,
    REQUEST_URI: bytesOf(target),
    SCRIPT_NAME: "",
    SERVER_NAME: server.hostname,
    SERVER_PORT: String(server.port),
    SERVER_PROTOCOL: "HTTP/1.1",
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

/** The bytes of a path: `/caf%C3%A9` is `2f 63 61 66 c3 a9`. A `%` without two hexadecimal digits stands for itself. */
function decodePath(path: string): Uint8Array {
  const decoded = path.replace(
    /%([0-9a-fA-F]{2})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
  if (decoded.includes("\0")) {
    throw new HttpError(
      400,
      "BAD_PATH",
      "a path with a zero byte (%00) cannot be handed to a program",
    );
  }
  return bytesOf(decoded);
}
