import { HttpError } from "../../server/http_error.ts";
import { type Digest, parseDigest } from "../../source/digest.ts";

/** The end of a path, where clients may write the colon of a digest as `%3A`; what cannot be decoded is no reference of anything. */
export function decodeReference(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}

/** @throws HttpError 400 `DIGEST_INVALID` */
export function readDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (digest !== undefined) return digest;
  throw new HttpError(
    400,
    "DIGEST_INVALID",
    `a digest is sha256: or sha512: and its hexadecimal digits: got "${text}"`,
  );
}
