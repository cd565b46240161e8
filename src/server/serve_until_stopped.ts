import type { Log } from "../base/log.ts";

/** A server, or several that stop together. */
export interface Stoppable {
  readonly finished: Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** Options of `serveUntilStopped`. */
export interface StopOptions {
  log: Log;
  /** Called once signals are handled, so that the server can be reported as ready. */
  ready?: () => void;
  /** Grace period of running requests; default 10 s. */
  graceMs?: number;
  /** Stops the server as a first signal does. */
  abort?: AbortSignal;
  /** Signals that stop the server; default SIGINT and SIGTERM. */
  signals?: readonly Deno.Signal[];
}

const stopSignals: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/**
 * Waits until the server has ended: after SIGINT or SIGTERM, which give running requests `graceMs`
 * to finish; after a second signal, immediately; or by itself. The caller exits the process, which
 * cuts the remaining requests.
 */
export async function serveUntilStopped(server: Stoppable, options: StopOptions): Promise<void> {
  const { log, ready, graceMs = 10_000, abort, signals = stopSignals } = options;
  // Windows has no SIGTERM.
  const handled = signals.filter((signal) => signal === "SIGINT" || Deno.build.os !== "windows");
  let asked = 0;
  const stopped = Promise.withResolvers<void>();
  const onSignal = () => {
    asked += 1;
    if (asked > 2) return;
    server.stop(asked === 1 ? graceMs : 0).then(stopped.resolve, stopped.reject);
    if (asked === 1) {
      log.event("draining", `stopping: running requests have up to ${graceMs / 1000} s to finish`, {
        graceMs,
      });
    }
  };

  for (const signal of handled) Deno.addSignalListener(signal, onSignal);
  abort?.addEventListener("abort", onSignal);
  try {
    ready?.();
    if (abort?.aborted) onSignal();
    await Promise.race([server.finished, stopped.promise]);
  } finally {
    for (const signal of handled) Deno.removeSignalListener(signal, onSignal);
    abort?.removeEventListener("abort", onSignal);
  }
}
