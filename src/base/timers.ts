/**
 * A timer of `setInterval` or `setTimeout`: a number in Deno 2.7, an object in 2.9. Remove this
 * file when `deno compile` has a base newer than 2.7.11 everywhere (`scripts/compile_base.sh`).
 */
export type Timer = ReturnType<typeof setInterval>;

/** Lets the process end while the timer runs. */
export function unref(timer: Timer): Timer {
  const either: number | { unref(): unknown } = timer;
  if (typeof either === "number") Deno.unrefTimer(either);
  else either.unref();
  return timer;
}
