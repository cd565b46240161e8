/** The revision of a request that names none. */
export const defaultRevision = "default";

const namePattern = /^[A-Za-z0-9_.-]{1,128}$/;
/** The rule that `isName` checks, for messages. */
export const nameRule = "1 to 128 letters, digits, -, _ or ., and neither . nor ..";

/**
 * Reports whether a text is a valid name of a function or a revision. Clients remove `.` and `..`
 * from a path, so those could not be requested.
 */
export function isName(text: string): boolean {
  return namePattern.test(text) && text !== "." && text !== "..";
}
