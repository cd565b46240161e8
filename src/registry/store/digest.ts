import { createHash } from "node:crypto";

/** The algorithms that a digest may have here, with the length of their hexadecimal form. @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#registered-algorithms */
const hexLengths = { sha256: 64, sha512: 128 } as const;

export type Algorithm = keyof typeof hexLengths;

/** `sha256:…` or `sha512:…`, known to be well formed. */
export type Digest = `${Algorithm}:${string}`;

/** The digest that bytes have. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The digest in a text, or `undefined` when the text is none (another algorithm, capitals, a wrong length). */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm, hex = ""] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  if (algorithm !== "sha256" && algorithm !== "sha512") return undefined;
  return hex.length === hexLengths[algorithm] ? `${algorithm}:${hex}` : undefined;
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The value of a `Repr-Digest` header: `sha-256=:…:`. @see https://www.rfc-editor.org/rfc/rfc9530#section-3 */
export function reprDigest(digest: Digest): string {
  const bytes = Uint8Array.fromHex(hexOf(digest));
  return `${algorithmOf(digest).replace("sha", "sha-")}=:${bytes.toBase64()}:`;
}
