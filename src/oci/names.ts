/** A module's name in Capsule's own interface: `k33g/hola:0.0.0`. */
export interface ModuleName {
  user: string;
  module: string;
  tag: string;
}

/**
 * A component of a repository's name.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Reports whether a text is one component of a repository's name. */
export function isNameComponent(text: string): boolean {
  return component.test(text);
}

/** Reports whether a text is a repository name: components joined by `/`, up to 255 long. */
export function isRepository(text: string): boolean {
  return text.length < 256 && text.split("/").every(isNameComponent);
}

/** Reports whether a text is a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}
