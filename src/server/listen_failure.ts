import { CapsuleError, messageOf } from "../base/errors.ts";
import { urlHost } from "../base/hosts.ts";
import { tlsFailure, type TlsFiles } from "./tls_files.ts";

/** The address and the certificate that a server was to use. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles;
}

/**
 * Returns the `CapsuleError` for a system error of listening: `LISTEN`, or `TLS` if the certificate
 * caused it.
 */
export function cannotListen({ host, port, tls }: ListenAddress, error: unknown): CapsuleError {
  if (error instanceof CapsuleError) return error;
  const tlsError = tls && tlsFailure(tls, error);
  if (tlsError) return tlsError;
  const message = `cannot listen on ${urlHost(host)}:${port}: ${listenReason(error)}`;
  return new CapsuleError("LISTEN", message, { cause: error });
}

/** The reason in a message when `isOutOfFiles`. */
export const outOfFiles =
  "too many open files (raise the limit for this program: ulimit -Hn, LimitNOFILE=)";

/** Reports whether the process or the whole system may open no more files (EMFILE, ENFILE). */
export function isOutOfFiles(error: unknown): boolean {
  const innermost = error instanceof CapsuleError ? error.cause : error;
  return /os error (24|23)\)/.test(messageOf(innermost));
}

/** Returns the reason for a system error of listening, with what to do about it. */
function listenReason(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another program listens there already (choose another -httpPort, 0 for a free one)";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address (choose another -host)";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied (ports below 1024 need a privilege)";
  }
  if (isOutOfFiles(error)) return outOfFiles;
  if (/lookup address|empty host/i.test(messageOf(error))) {
    return "no such host (choose another -host)";
  }
  return messageOf(error);
}
