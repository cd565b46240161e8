import { CapsuleError, messageOf } from "./errors.ts";

let trusted: string | undefined;

/**
 * Reads the file of `-ca`, whose certificate authorities all clients of this thread trust from now
 * on, in addition to the default ones.
 *
 * @throws CapsuleError `TLS` for a file that cannot be read or contains no certificate.
 */
export async function trustAuthorities(path: string): Promise<void> {
  let text: string;
  try {
    const { readText } = await import("./read_text.ts");
    text = await readText(path);
  } catch (error) {
    throw new CapsuleError(
      "TLS",
      `cannot read the certificates of -ca=${path}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new CapsuleError("TLS", `-ca=${path} contains no certificate in PEM`);
  }
  trusted = text;
}

/** Returns the certificates of `-ca` in PEM, if there are any. */
export function trustedAuthorities(): string | undefined {
  return trusted;
}
