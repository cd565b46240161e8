/**
 * Pausing a guest: JavaScript Promise Integration. A guest that is called through `promising` may call an import
 * marked `suspending`; it sleeps until the import's promise settles.
 *
 * @see https://github.com/WebAssembly/js-promise-integration
 */
interface Jspi {
  Suspending?: new (fn: (...args: never[]) => unknown) => WebAssembly.ImportValue;
  promising?: (fn: WebAssembly.ExportValue) => (...args: number[]) => Promise<unknown>;
}

const jspi = WebAssembly as unknown as Jspi;

/** Whether this runtime can pause a guest. */
export const canPause = jspi.Suspending !== undefined && jspi.promising !== undefined;

/**
 * Marks an import as one that may return a promise. Called by a guest that runs synchronously, the mark alone throws a
 * `SuspendError`, and the function behind it does not run.
 */
export function suspending(fn: (...args: never[]) => unknown): WebAssembly.ImportValue {
  return jspi.Suspending ? new jspi.Suspending(fn) : fn as WebAssembly.ImportValue;
}

/** An export as a function that returns a promise, and that may pause. */
export function promising(fn: WebAssembly.ExportValue): (...args: number[]) => Promise<unknown> {
  if (jspi.promising) return jspi.promising(fn);
  return (...args) => Promise.resolve((fn as (...args: number[]) => unknown)(...args));
}

/** Whether a synchronous call ended because it came to an import that must wait. */
export function mustWait(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.constructor.name === "SuspendError";
}

/**
 * Turns of the event loop for guests that are past their slice: one guest goes on in each turn, in the order in which
 * they came, so that between two slices the loop serves everybody else, however many compute.
 */
const waiting: (() => void)[] = [];
let first = 0;
let scheduled = false;

/** Resolves when it is this guest's turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (!scheduled) {
      scheduled = true;
      setTimeout(turn, 0);
    }
  });
}

function turn(): void {
  const resume = waiting[first++];
  if (first === waiting.length) {
    waiting.length = first = 0;
    scheduled = false;
  } else {
    if (first > 1024) waiting.splice(0, first), first = 0;
    setTimeout(turn, 0);
  }
  resume?.();
}
