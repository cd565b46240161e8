/** What `setInterval` and `setTimeout` return: a number in older Denos, an object in newer ones. */
export type Timer = ReturnType<typeof setInterval>;

/** Lets the process end while the timer runs. */
export function unref(timer: Timer): Timer {
  const either: number | { unref(): unknown } = timer;
  if (typeof either === "number") Deno.unrefTimer(either);
  else either.unref();
  return timer;
}
