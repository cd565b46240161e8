/** The result of a client with a constant rate. */
export interface SteadyResult {
  /** Measured from the time each call was due (no coordinated omission). */
  readonly latenciesMs: readonly number[];
  /** Calls that failed or returned a status other than 200. */
  readonly errors: number;
}

/**
 * Posts at a constant rate until `done` settles, then waits for open calls. Unlike `wrk`, it does
 * not wait for a response before the next request, so a stalled server shows in the percentiles.
 */
export async function steadyCalls(
  url: string,
  { body, perSecond, done }: { body: string; perSecond: number; done: Promise<unknown> },
): Promise<SteadyResult> {
  const latenciesMs: number[] = [];
  let errors = 0;
  let going = true;
  const stop = () => void (going = false);
  done.then(stop, stop);
  const call = async (dueMs: number) => {
    try {
      const answer = await fetch(url, { method: "POST", body });
      await answer.text();
      if (answer.status !== 200) errors++;
    } catch {
      errors++;
    }
    latenciesMs.push(performance.now() - dueMs);
  };
  const open = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let count = 0; going; count++) {
    const dueMs = startMs + count / perSecond * 1000;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const one = call(dueMs).finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
  return { latenciesMs, errors };
}

/** Posts once and measures the time. After `limitMs` it gives up and returns status 0. */
export async function timedCall(
  url: string,
  body: string,
  limitMs: number,
): Promise<{ status: number; text: string; elapsedMs: number }> {
  const beganMs = performance.now();
  try {
    const answer = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(limitMs) });
    const text = await answer.text();
    return { status: answer.status, text, elapsedMs: performance.now() - beganMs };
  } catch (error) {
    return { status: 0, text: String(error), elapsedMs: performance.now() - beganMs };
  }
}
