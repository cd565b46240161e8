import type { Input, Output } from "../base/io.ts";

/** What a supervised process tells whoever started it. */
export type Report =
  | { readonly kind: "ready"; readonly url: string; readonly port: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** The child's side of its supervision. */
export interface Supervisor {
  /** Resolves when whoever started this process is gone, however it ended. */
  readonly gone: Promise<void>;
  tell(report: Report): void;
}

/** No secret is longer. */
const maxLineBytes = 256;

/**
 * Reads the secret that the supervisor writes into standard input as its first line, and then watches for the end of it. What is told goes to standard
 * output, each report on a line of its own behind the secret: a guest shares that stream, and cannot know it.
 *
 * The pipe needs nothing of the supervisor: the system closes it also when that process is killed.
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
    tell: (report) => stdout.write(`${secret} ${JSON.stringify(report)}\n`),
  };
}

/** The report in a line of a child's standard output; `undefined` for a line of anybody who does not know the secret. */
export function readReport(line: string, secret: string): Report | undefined {
  if (!line.startsWith(`${secret} `)) return undefined;
  const report: Report = JSON.parse(line.slice(secret.length + 1));
  return report;
}
