import { messageOf } from "./errors.ts";

/** What lies beneath "fetch failed", without the URL that Deno writes into it: its query may be a secret. */
export function fetchReason(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause)
    .replace(/^error sending request for url \(.*?\): /, "")
    .replace(/^client error \(\w+\): /, "")
    .replace(/ \(os error \d+\)$/, "");
}
