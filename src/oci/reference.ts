import { CapsuleError } from "../base/errors.ts";
import { type Digest, digestRule, parseDigest } from "../source/digest.ts";
import { isRepository, isTag } from "./names.ts";

/** The parts of `oci://localhost:4999/k33g/hola:0.0.0`. */
export interface OciReference {
  /** With the port, if it has one. */
  host: string;
  repository: string;
  /** `latest` when neither a tag nor a digest is given. */
  tag: string | undefined;
  digest: Digest | undefined;
}

/**
 * Parses `oci://host/repository:tag`, `oci://host/repository@sha256:…`, or both together, where
 * the digest takes precedence.
 *
 * @throws CapsuleError `URL`
 */
export function parseOciReference(text: string): OciReference {
  const invalid = (why: string) => new CapsuleError("URL", `-url="${text}" cannot be used: ${why}`);
  const [, host, path] = /^oci:\/\/([^/@\s]+)\/(\S+)$/.exec(text) ?? [];
  if (host === undefined || path === undefined) {
    throw invalid("it is oci://host/repository:tag, without a password");
  }
  const [name = "", digestText, ...more] = path.split("@");
  const [, repository = "", tag] = /^([^:]*)(?::([^:]*))?$/.exec(name) ?? [];
  if (!isRepository(repository)) {
    throw invalid(
      `"${
        repository || name
      }" is not a repository: it has lower-case letters, digits and single separators`,
    );
  }
  if (tag !== undefined && !isTag(tag)) throw invalid(`"${tag}" is not a tag`);
  const digest = digestText === undefined ? undefined : parseDigest(digestText);
  if (more.length > 0 || (digestText !== undefined && digest === undefined)) {
    throw invalid(`what follows the @ is ${digestRule}`);
  }
  return { host, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** Formats a reference as a user would write it. */
export function shownReference({ host, repository, tag, digest }: OciReference): string {
  return `oci://${host}/${repository}${tag === undefined ? "" : `:${tag}`}${
    digest === undefined ? "" : `@${digest}`
  }`;
}
