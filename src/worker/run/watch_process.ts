import type { RunningFunction } from "./function_runner.ts";

/** Options of `watchProcess`; times in milliseconds. */
export interface WatchOptions {
  /** Interval between health checks, and the timeout of each. */
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  /** When the process counts as idle: `idleMs` returns how long it has had no request. */
  readonly idle?: { readonly afterMs: number; idleMs(): number };
  readonly onUnhealthy: () => void;
  readonly onIdle: () => void;
}

/** Consecutive failed health checks after which a process is unhealthy. */
const maxFailedChecks = 2;

/** Checks the health and the idle time of a process until it is disposed of. */
export function watchProcess(
  process: RunningFunction,
  { health, idle, onUnhealthy, onIdle }: WatchOptions,
): Disposable {
  let isOver = false;
  let failedChecks = 0;
  let isChecking = false;
  const checks = setInterval(async () => {
    if (isChecking) return;
    isChecking = true;
    failedChecks = await process.isHealthy(health.timeoutMs) ? 0 : failedChecks + 1;
    isChecking = false;
    if (failedChecks >= maxFailedChecks && !isOver) onUnhealthy();
  }, health.intervalMs);

  let timer: ReturnType<typeof setTimeout> | undefined;
  const checkIdle = () => {
    const leftMs = idle ? idle.afterMs - idle.idleMs() : Infinity;
    if (leftMs <= 0) onIdle();
    else timer = setTimeout(checkIdle, leftMs);
  };
  if (idle) timer = setTimeout(checkIdle, idle.afterMs);
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearInterval(checks);
      clearTimeout(timer);
    },
  };
}
