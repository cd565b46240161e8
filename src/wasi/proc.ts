import { Errno } from "./preview1.ts";

/**
 * Thrown through the guest by `proc_exit`: the program has ended. One object a guest, with no stack, since throwing
 * it is how many programs end every call.
 */
export class GuestExit {
  /** The exit code, unsigned. */
  code = 0;
}

export function procFunctions() {
  const exit = new GuestExit();
  return {
    proc_exit(code: number): never {
      exit.code = code >>> 0;
      throw exit;
    },
    /** Signals are no part of preview1's world; C programs fall back to ending themselves. */
    proc_raise: (_signal: number): number => Errno.ENOTSUP,
  };
}

export function schedFunctions() {
  return {
    /** There is nobody to yield to: a guest has one thread. */
    sched_yield: (): number => 0,
  };
}
