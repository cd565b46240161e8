import { CapsuleError } from "../base/errors.ts";

/** `oci://localhost:4999/k33g/hola:0.0.0`, taken apart. */
export interface OciReference {
  /** With the port, if it has one. */
  host: string;
  repository: string;
  /** `latest` when neither a tag nor a digest is given. */
  tag: string | undefined;
  digest: string | undefined;
}

const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/**
 * Reads `oci://host/repository:tag`, `oci://host/repository@sha256:…`, or both at once, where the digest counts.
 *
 * @throws CapsuleError `URL`
 */
export function parseOciReference(text: string): OciReference {
  const wrong = (why: string) => new CapsuleError("URL", `-url="${text}" cannot be used: ${why}`);
  const [, host, path] = /^oci:\/\/([^/@\s]+)\/(\S+)$/.exec(text) ?? [];
  if (host === undefined || path === undefined) {
    throw wrong("it is oci://host/repository:tag, without a password");
  }
  const [name = "", digest, ...more] = path.split("@");
  const [, repository = "", tag] = /^([^:]*)(?::([^:]*))?$/.exec(name) ?? [];
  if (!repositoryPattern.test(repository)) {
    throw wrong(
      `"${
        repository || name
      }" is no repository: it has lower-case letters, digits and single separators`,
    );
  }
  if (tag !== undefined && !/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(tag)) {
    throw wrong(`"${tag}" is no tag`);
  }
  if (more.length > 0 || (digest !== undefined && !digestPattern.test(digest))) {
    throw wrong("what follows the @ is sha256: or sha512: and its hexadecimal digits");
  }
  return { host, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** As a person would write it. */
export function shownReference({ host, repository, tag, digest }: OciReference): string {
  return `oci://${host}/${repository}${tag === undefined ? "" : `:${tag}`}${
    digest === undefined ? "" : `@${digest}`
  }`;
}
