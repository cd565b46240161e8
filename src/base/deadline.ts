/** Work that did not end in time. */
export class DeadlineError extends Error {
  constructor(ms: number, options?: ErrorOptions) {
    super(`no end within ${ms} ms`, options);
    this.name = "DeadlineError";
  }
}

/**
 * Calls `work` with a signal that aborts after `ms` milliseconds or when the caller's `signal`
 * does, and returns its result. For work that obeys its signal; `deadline` is for what does not.
 *
 * @param ms 0 for no limit.
 * @throws DeadlineError if `work` failed after its time was over; otherwise what `work` throws.
 */
export async function withDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  const timer = ms > 0 ? setTimeout(() => late.abort(new DeadlineError(ms)), ms) : undefined;
  try {
    return await work(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (late.signal.aborted && !signal?.aborted) throw new DeadlineError(ms, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Returns the promise's result if it settles within `ms` milliseconds. What it does later is
 * ignored, so it must not hold anything that needs closing.
 *
 * @param ms 0 for no limit.
 * @throws DeadlineError; what the promise rejects with.
 */
export async function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  if (ms === 0) return await promise;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new DeadlineError(ms)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
