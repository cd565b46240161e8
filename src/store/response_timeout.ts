import { type Cluster, Redis } from "ioredis";
import { type Timer, unref } from "../base/timers.ts";

/** The number of checks within the timeout. */
const checks = 4;

/** The state of a connection at the last check. */
interface LastCheck {
  readonly bytesRead: number;
  /** Consecutive checks with a pending command and no new bytes. */
  readonly silentChecks: number;
}

/**
 * Closes connections of a client that have pending commands and receive nothing for `timeoutMs`
 * milliseconds; their commands fail. Returns a function that stops the checks.
 *
 * ioredis' own `socketTimeout` sets a timer and a listener for each batch of commands (bench:
 * `store`).
 */
export function enforceResponseTimeout(client: Redis | Cluster, timeoutMs: number): () => void {
  let last = new Map<Redis, LastCheck>();
  const check = () => {
    const current = new Map<Redis, LastCheck>();
    for (const node of client instanceof Redis ? [client] : client.nodes()) {
      const { stream, commandQueue } = node as Partial<Redis>; // both missing before it connects
      if (!stream) continue;
      const { bytesRead } = stream as { bytesRead?: number };
      const before = last.get(node);
      const isSilent = commandQueue?.length && before?.bytesRead === bytesRead;
      const silentChecks = isSilent ? (before?.silentChecks ?? 0) + 1 : 0;
      current.set(node, { bytesRead: bytesRead ?? 0, silentChecks });
      if (silentChecks >= checks) stream.destroy(new Error(`no response for ${timeoutMs} ms`));
    }
    last = current;
  };
  const timer: Timer = unref(setInterval(check, timeoutMs / checks));
  return () => clearInterval(timer);
}
