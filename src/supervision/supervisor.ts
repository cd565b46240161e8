import type { Input, Output } from "../base/io.ts";

/** The child's side of its supervision. */
export interface Supervisor {
  /** Resolves when the process that started this one is gone, however it ended. */
  readonly gone: Promise<void>;
  report(report: Report): void;
}

/** A message of a supervised process to the process that started it. */
export type Report =
  | { readonly kind: "ready"; readonly url: string; readonly port: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Upper bound on the length of a secret. */
const maxLineBytes = 256;

/**
 * Reads the supervisor's secret from the first line of standard input, and then waits for the end
 * of that stream, which the kernel closes even when the supervisor is killed.
 *
 * Reports go to standard output, one a line, each prefixed with the secret: a guest writes to the
 * same stream and cannot know it.
 */
export async function attachSupervisor(
  { stdin, stdout }: { stdin: Pick<Input, "read">; stdout: Output },
): Promise<Supervisor> {
  const buffer = new Uint8Array(maxLineBytes);
  let length = 0;
  let ended = false;
  while (!ended && length < maxLineBytes && !buffer.subarray(0, length).includes(0x0a)) {
    const count = await stdin.read(buffer.subarray(length));
    if (count === null) ended = true;
    else length += count;
  }
  const secret = new TextDecoder().decode(buffer.subarray(0, length)).split("\n")[0] ?? "";
  const untilGone = async () => {
    while (!ended && await stdin.read(buffer) !== null);
  };
  return {
    gone: untilGone(),
    report: (report) => stdout.write(`${secret} ${JSON.stringify(report)}\n`),
  };
}

/** Parses a line of a child's standard output; `undefined` unless it starts with the secret. */
export function readReport(line: string, secret: string): Report | undefined {
  if (!line.startsWith(`${secret} `)) return undefined;
  const report: Report = JSON.parse(line.slice(secret.length + 1));
  return report;
}
