import { IoError } from "../stream_end.ts";

/** A `wasi:sockets` error-code. */
export type SocketErrorCode =
  | "unknown"
  | "access-denied"
  | "not-supported"
  | "invalid-argument"
  | "out-of-memory"
  | "timeout"
  | "concurrency-conflict"
  | "not-in-progress"
  | "would-block"
  | "invalid-state"
  | "new-socket-limit"
  | "address-not-bindable"
  | "address-in-use"
  | "remote-unreachable"
  | "connection-refused"
  | "connection-reset"
  | "connection-aborted"
  | "datagram-too-large"
  | "name-unresolvable"
  | "temporary-resolver-failure"
  | "permanent-resolver-failure";

/** Codes of the operating system and of the resolver. */
const codes: Readonly<Record<string, SocketErrorCode>> = {
  DENIED: "access-denied",
  EACCES: "access-denied",
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-bindable",
  EAFNOSUPPORT: "invalid-argument",
  EAI_AGAIN: "temporary-resolver-failure",
  EAI_FAIL: "permanent-resolver-failure",
  EAI_NODATA: "name-unresolvable",
  ECONNABORTED: "connection-aborted",
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-reset",
  EHOSTDOWN: "remote-unreachable",
  EHOSTUNREACH: "remote-unreachable",
  EINVAL: "invalid-argument",
  EMFILE: "new-socket-limit",
  EMSGSIZE: "datagram-too-large",
  ENETDOWN: "remote-unreachable",
  ENETUNREACH: "remote-unreachable",
  ENFILE: "new-socket-limit",
  ENOBUFS: "out-of-memory",
  ENODATA: "name-unresolvable",
  ENOMEM: "out-of-memory",
  ENOTFOUND: "name-unresolvable",
  EPERM: "access-denied",
  EPIPE: "connection-aborted",
  ETIMEDOUT: "timeout",
};

/** Returns the error-code for an error of Deno, of Node's resolver or of a grant. */
export function errorCodeOf(error: unknown): SocketErrorCode {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === "NotCapable") return "access-denied";
  return codes[String(code)] ?? "unknown";
}

/** An error of a socket, as the cause of an `IoError`. */
export class SocketFailure {
  readonly code: SocketErrorCode;

  constructor(code: SocketErrorCode) {
    this.code = code;
  }
}

/** Returns an error of a socket as the error of its streams. */
export function streamError(error: unknown): IoError {
  const message = error instanceof Error ? error.message : String(error);
  return new IoError(message, new SocketFailure(errorCodeOf(error)));
}
