/**
 * JavaScript Promise Integration: a guest called through `promising` may call an import marked
 * `suspending`, and sleeps until the import's promise settles.
 *
 * @see https://github.com/WebAssembly/js-promise-integration
 */
interface Jspi {
  Suspending?: new (fn: (...args: never[]) => unknown) => WebAssembly.ImportValue;
  promising?: (fn: WebAssembly.ExportValue) => (...args: number[]) => Promise<unknown>;
}

const jspi = WebAssembly as unknown as Jspi;

/** True if this runtime has JSPI. Without it guests are never paused. */
export const canPause = jspi.Suspending !== undefined && jspi.promising !== undefined;

/**
 * Marks an import as one that may return a promise. If the guest was called synchronously, calling
 * the import throws a `SuspendError` and `fn` does not run.
 */
export function suspending(fn: (...args: never[]) => unknown): WebAssembly.ImportValue {
  return jspi.Suspending ? new jspi.Suspending(fn) : fn as WebAssembly.ImportValue;
}

/** Wraps an export as a function that returns a promise and may be paused. */
export function promising(fn: WebAssembly.ExportValue): (...args: number[]) => Promise<unknown> {
  if (jspi.promising) return jspi.promising(fn);
  return (...args) => Promise.resolve((fn as (...args: number[]) => unknown)(...args));
}

/** Reports whether a synchronous call failed because it reached a `suspending` import. */
export function isSuspendError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.constructor.name === "SuspendError";
}
