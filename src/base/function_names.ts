/** The revision that is called when none is named. */
export const defaultRevision = "default";

const namePattern = /^[A-Za-z0-9_.-]{1,128}$/;
export const nameRule = "1 to 128 letters, digits, -, _ or ., and neither . nor ..";

/** Whether functions and revisions may be called so. Clients take `.` and `..` out of a path, so those could not be reached. */
export function isName(text: string): boolean {
  return namePattern.test(text) && text !== "." && text !== "..";
}
