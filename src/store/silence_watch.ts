import { type Cluster, Redis } from "ioredis";
import { type Timer, unref } from "../base/timers.ts";

/** Looks in the time that a server may be silent. */
const looks = 4;

/** A connection at the last look. */
interface Seen {
  readonly bytesRead: number;
  /** Looks since then at which an answer was owed and nothing had come. */
  readonly silent: number;
}

/**
 * Ends the connections of a client that owe an answer and say nothing for so long, and with them all that was asked of
 * them. ioredis' own `socketTimeout` does the same with a timer and a listener for every batch of commands, which took 0.9 of
 * the 30 µs of a call.
 *
 * @returns what ends the watch.
 */
export function watchSilence(client: Redis | Cluster, silentMs: number): () => void {
  let seen = new Map<Redis, Seen>();
  const look = () => {
    const now = new Map<Redis, Seen>();
    for (const node of client instanceof Redis ? [client] : client.nodes()) {
      const { stream, commandQueue } = node as Partial<Redis>; // neither is there before it connects
      if (!stream) continue;
      const { bytesRead } = stream as { bytesRead?: number };
      const before = seen.get(node);
      const isSilent = commandQueue?.length && before?.bytesRead === bytesRead;
      const silent = isSilent ? (before?.silent ?? 0) + 1 : 0;
      now.set(node, { bytesRead: bytesRead ?? 0, silent });
      if (silent >= looks) stream.destroy(new Error(`no answer came for ${silentMs} ms`));
    }
    seen = now;
  };
  const timer: Timer = unref(setInterval(look, silentMs / looks));
  return () => clearInterval(timer);
}
