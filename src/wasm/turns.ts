/**
 * Turns of the event loop for guests that have used up their slice: one guest resumes per turn, in
 * order of arrival, so the loop serves other work between two slices however many guests compute.
 */
const waiting: (() => void)[] = [];
let first = 0;
let isScheduled = false;

/** Waits for the caller's turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (isScheduled) return;
    isScheduled = true;
    setTimeout(turn, 0);
  });
}

function turn(): void {
  const resume = waiting[first++];
  if (first === waiting.length) {
    waiting.length = first = 0;
    isScheduled = false;
  } else {
    if (first > 1024) waiting.splice(0, first), first = 0;
    setTimeout(turn, 0);
  }
  resume?.();
}

/** Longest delay of `setTimeout`, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves after `ms` milliseconds, or never for Infinity. `signal` frees the timer. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let leftMs = ms;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = () => {
      if (leftMs <= 0) return resolve();
      const delayMs = Math.min(leftMs, longestTimerMs);
      leftMs -= delayMs;
      timer = setTimeout(next, delayMs);
    };
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    next();
  });
}
