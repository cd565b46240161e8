/** What `setInterval` and `setTimeout` return: a number in older Denos, an object in newer ones. */
export type Timer = ReturnType<typeof setInterval>;

/** Lets the process end while the timer runs. */
export function unref(timer: Timer): Timer {
  Deno.unrefTimer(timer as unknown as number); // takes both kinds; converting the object to a number does nothing
  return timer;
}
