import { CapsuleError, messageOf } from "../base/errors.ts";
import { urlHost } from "../base/hosts.ts";

/** Where somebody wanted to listen, and by which certificate. */
interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly crt: string; readonly key: string };
}

/** Why the system does not let one listen there, as a `CapsuleError`: `LISTEN`, or `TLS` when it is for the certificate. */
export function cannotListen({ host, port, tls }: Wanted, error: unknown): CapsuleError {
  const address = `${urlHost(host)}:${port}`;
  if (tls && isTlsError(error)) {
    return new CapsuleError(
      "TLS",
      `cannot use -crt=${tls.crt} with -key=${tls.key}: ${tlsReason(messageOf(error))}`,
      { cause: error },
    );
  }
  return new CapsuleError("LISTEN", `cannot listen on ${address}: ${listenReason(error)}`, {
    cause: error,
  });
}

function isTlsError(error: unknown): boolean {
  return error instanceof Deno.errors.InvalidData || /certificate|key|cert/i.test(messageOf(error));
}

function tlsReason(message: string): string {
  if (/No certificates/i.test(message)) return "the first holds no PEM certificate";
  if (/No keys/i.test(message)) {
    return "the second holds no PEM private key (one with a passphrase cannot be read)";
  }
  if (/KeyMismatch|consistent/i.test(message)) return "the key is not the certificate's";
  if (/must be provided/i.test(message)) return "one of the two files is empty";
  return message;
}

/** The reason where `isOutOfFiles`. */
export const outOfFiles =
  "too many open files (raise the limit for this program: ulimit -Hn, LimitNOFILE=)";

/** Whether the process, or the whole system, may open no more files. */
export function isOutOfFiles(error: unknown): boolean {
  const innermost = error instanceof CapsuleError ? error.cause : error;
  return /os error (24|23)\)/.test(messageOf(innermost));
}

/** Why the system refused a file or a socket, in words that say what to do. */
export function listenReason(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another program listens there already (choose another -httpPort, 0 for a free one)";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address (choose another -host)";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied (ports below 1024 need a privilege)";
  }
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (isOutOfFiles(error)) return outOfFiles;
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (/lookup address|empty host/i.test(messageOf(error))) {
    return "no such host (choose another -host)";
  }
  return messageOf(error);
}
