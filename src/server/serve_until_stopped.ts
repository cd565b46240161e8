import type { Log } from "../base/log.ts";

/** What can be stopped: a `Listening`, or whatever wraps several. */
export interface Stoppable {
  readonly finished: Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** How to stop. */
export interface StopOptions {
  log: Log;
  /** Called once a signal would be heeded: the moment to say that the server is ready. */
  ready?: () => void;
  /** How long requests that run may take to finish. */
  graceMs?: number;
  /** Stops as a first signal does, for a program that holds the server. */
  abort?: AbortSignal;
  /** Signals that mean stop; SIGINT and SIGTERM if not given. */
  signals?: readonly Deno.Signal[];
}

const stopSignals: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/**
 * Resolves when the server has ended: by SIGINT or SIGTERM (what runs finishes within `graceMs`, 10 s), by a second signal (at
 * once), or by itself. It leaves no listener behind, and never exits the process; the caller does, which cuts what is left.
 */
export async function serveUntilStopped(server: Stoppable, options: StopOptions): Promise<void> {
  const { log, ready, graceMs = 10_000, abort, signals = stopSignals } = options;
  // Windows has no SIGTERM to listen for.
  const heeded = signals.filter((signal) => signal === "SIGINT" || Deno.build.os !== "windows");
  let asked = 0;
  const stopped = Promise.withResolvers<void>();
  const onSignal = () => {
    asked += 1;
    if (asked > 2) return;
    server.stop(asked === 1 ? graceMs : 0).then(stopped.resolve, stopped.reject);
    if (asked === 1) {
      log.event("draining", `stopping: waits for running requests, at most ${graceMs / 1000} s`, {
        graceMs,
      });
    }
  };

  for (const signal of heeded) Deno.addSignalListener(signal, onSignal);
  abort?.addEventListener("abort", onSignal);
  try {
    ready?.();
    if (abort?.aborted) onSignal();
    await Promise.race([server.finished, stopped.promise]);
  } finally {
    for (const signal of heeded) Deno.removeSignalListener(signal, onSignal);
    abort?.removeEventListener("abort", onSignal);
  }
}
