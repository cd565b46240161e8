/**
 * The one error class of the launcher's own making. Anything else that is thrown is a bug and passes through every
 * border unchanged.
 *
 * A message says the action, the rule and the value: "Cannot open pool as 'maxInstances' must be >= 1: current value is 0".
 */
export class CapsuleError extends Error {
  /** What went wrong, as a word that programs may compare: `USAGE`, `LOAD`, `TRAP`, `TIMEOUT`, `DENIED`, … */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CapsuleError";
    this.code = code;
  }
}

/** A wrong command line: unknown flag, wrong value, missing value. Exit code 2. */
export class UsageError extends CapsuleError {
  constructor(message: string, options?: ErrorOptions) {
    super("USAGE", message, options);
    this.name = "UsageError";
  }
}

/** The text of anything that was thrown, for a person to read. */
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
