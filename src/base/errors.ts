/**
 * An error for people. Any other error is a bug and passes through every boundary unchanged.
 *
 * A message names the action, the rule and the value: "cannot open the pool: maxInstances must be
 * at least 1, got 0".
 */
export class CapsuleError extends Error {
  /** The kind of error for programs: `USAGE`, `LOAD`, `TRAP`, `TIMEOUT`, `DENIED`, … */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CapsuleError";
    this.code = code;
  }
}

/** A wrong command line: an unknown flag, an invalid or a missing value. Exit code 2. */
export class UsageError extends CapsuleError {
  constructor(message: string, options?: ErrorOptions) {
    super("USAGE", message, options);
    this.name = "UsageError";
  }
}

/** Returns the message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/**
 * Returns the cause beneath "fetch failed", without the URL that Deno writes into it: its query may
 * be a secret.
 */
export function fetchReason(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause)
    .replace(/^error sending request for url \(.*?\): /, "")
    .replace(/^client error \(\w+\): /, "")
    .replace(/ \(os error \d+\)$/, "");
}
