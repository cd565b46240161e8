import { CapsuleError, messageOf } from "../../base/errors.ts";

const reasons: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host (the name server does not respond)",
  EAI_NODATA: "no such host",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is unreachable",
  ETIMEDOUT: "the connection timed out",
  ECONNRESET: "the server reset the connection",
  EPIPE: "the server closed the connection before it responded",
  UND_ERR_SOCKET: "the server closed the connection before it responded",
  UND_ERR_HEADERS_OVERFLOW: "the response's headers exceed 256 KiB",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the response ended early",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
  EMFILE: "too many open files",
};

/** Explains a transport error to the author of the function. */
export function explainTransportError(error: unknown): string {
  if (error instanceof CapsuleError) return error.message;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof cause === "object" && cause !== null
    ? String(Reflect.get(cause, "code"))
    : "";
  if (cause instanceof Error && cause.name === "HTTPParserError") {
    return `the response is not HTTP/1.1: ${messageOf(cause)}`;
  }
  return reasons[code] ?? messageOf(cause);
}
