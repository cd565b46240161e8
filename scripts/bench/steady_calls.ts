/** How a client at a steady pace fared. */
export interface SteadyResult {
  /** From when each call was due, not from when it could be sent: a server that stalls is not let off. */
  readonly latenciesMs: readonly number[];
  /** Calls that failed or were answered with another status than 200. */
  readonly errors: number;
}

/**
 * Posts at a steady pace, whether answers come or not, until `done` settles; then waits for what is open. The client of
 * `wrk` waits for each answer before it asks again, so while a server stalls it asks little, and its percentiles look good.
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

/** Posts once and takes the time. Gives up after `limitMs`; the status is then 0. */
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
