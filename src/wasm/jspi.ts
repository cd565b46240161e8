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

/** Reports whether a guest threw an exception that it did not catch. */
export function isGuestException(thrown: unknown): boolean {
  const { Exception } = WebAssembly as unknown as { Exception?: new () => unknown };
  return Exception !== undefined && thrown instanceof Exception;
}

/** Reports whether an error of an instantiation comes from the module or its start section. */
export function isThrownByGuest(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError ||
    isGuestException(thrown);
}

/** (module (func (export "trap") unreachable)) */
const trapModule = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0, 10, 5, 1, 3, 0, 0x00, 0x0b],
]);

/** Compiled with the first error: most calls need none. */
let trap: (() => void) | undefined;

/**
 * Returns a new error that passes through every guest: no `catch_all` catches it. It is the error
 * of a trap, which V8 marks for good, also when JavaScript throws it again; others are caught.
 */
export function makeUncatchable(): WebAssembly.RuntimeError {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(trapModule)).exports.trap as () => void;
  try {
    trap();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error;
    throw error;
  }
  throw new Error("`unreachable` does not trap");
}
