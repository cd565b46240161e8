import { createHash } from "node:crypto";

/**
 * The length of a digest's hexadecimal form, by algorithm.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#registered-algorithms
 */
const hexLengths = { sha256: 64, sha512: 128 } as const;

/** An algorithm that a digest may have. */
export type DigestAlgorithm = keyof typeof hexLengths;

/** A well-formed digest: `sha256:` or `sha512:` and lower-case hexadecimal digits. */
export type Digest = `${DigestAlgorithm}:${string}`;

/** The rule that `parseDigest` checks, for error messages. */
export const digestRule = "sha256: or sha512: and its hexadecimal digits";

/** Returns the digest of bytes. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Parses a digest; `undefined` for another algorithm, upper case or a wrong length. */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm, hex = ""] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  if (algorithm !== "sha256" && algorithm !== "sha512") return undefined;
  return hex.length === hexLengths[algorithm] ? `${algorithm}:${hex}` : undefined;
}

/** Parses the hexadecimal digits of a SHA-256 digest, in either case and with or without prefix. */
export function parseSha256(text: string): string | undefined {
  const hex = text.toLowerCase().replace(/^sha256:/, "");
  return isSha256(hex) ? hex : undefined;
}

/** Reports whether a text is the 64 lower-case hexadecimal digits of a SHA-256 digest. */
export function isSha256(text: string): boolean {
  return parseDigest(`sha256:${text}`) !== undefined;
}

/** Returns the algorithm of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Returns the hexadecimal digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/**
 * Returns the value of a `Repr-Digest` header: `sha-256=:…:`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9530#section-3
 */
export function reprDigest(digest: Digest): string {
  const bytes = Uint8Array.fromHex(hexOf(digest));
  return `${algorithmOf(digest).replace("sha", "sha-")}=:${bytes.toBase64()}:`;
}
