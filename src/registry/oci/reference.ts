import { HttpError } from "../../server/http_error.ts";
import { type Digest, digestRule, parseDigest } from "../../source/digest.ts";

/** Decodes the last segment of a path, in which clients may write a digest's colon as `%3A`. */
export function decodeReference(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    // Unchanged it is neither a tag nor a digest, so the response is 404.
    return reference;
  }
}

/** Parses a digest. @throws HttpError 400 `DIGEST_INVALID` */
export function readDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (digest !== undefined) return digest;
  throw new HttpError(400, "DIGEST_INVALID", `a digest is ${digestRule}: got "${text}"`);
}
