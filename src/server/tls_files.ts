import { CapsuleError, messageOf } from "../base/errors.ts";
import { readText } from "../base/read_text.ts";

/** Paths of PEM files, as `-crt` and `-key` name them. */
export interface TlsFiles {
  readonly crt: string;
  readonly key: string;
}

/**
 * Reads a certificate chain and its private key.
 *
 * @throws CapsuleError `TLS`, with the flag and the path of the file that cannot be read.
 */
export async function readPem({ crt, key }: TlsFiles): Promise<{ cert: string; key: string }> {
  return { cert: await readFile("-crt", crt), key: await readFile("-key", key) };
}

async function readFile(flag: string, path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    throw new CapsuleError("TLS", `cannot read ${flag}=${path}: ${fileReason(error)}`, {
      cause: error,
    });
  }
}

function fileReason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return messageOf(error);
}

/**
 * Returns the `TLS` error for a certificate or key that the TLS library refuses; `undefined` for
 * any other error.
 */
export function tlsFailure({ crt, key }: TlsFiles, error: unknown): CapsuleError | undefined {
  const message = messageOf(error);
  const isTls = error instanceof Deno.errors.InvalidData || /certificate|key|cert/i.test(message);
  if (!isTls) return undefined;
  return new CapsuleError("TLS", `cannot use -crt=${crt} with -key=${key}: ${tlsReason(message)}`, {
    cause: error,
  });
}

function tlsReason(message: string): string {
  if (/No certificates/i.test(message)) return "the first holds no PEM certificate";
  if (/No keys/i.test(message)) {
    return "the second holds no PEM private key (one with a passphrase cannot be read)";
  }
  if (/KeyMismatch|consistent/i.test(message)) return "the key is not the certificate's";
  return message;
}
