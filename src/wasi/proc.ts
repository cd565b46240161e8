import { Errno } from "./preview1.ts";

/** Thrown through the guest by `proc_exit`. One object per guest, without a stack (hot path). */
export class GuestExit {
  /** The exit code, unsigned. */
  code = 0;
}

/** Makes the functions that end the guest. */
export function procFunctions() {
  const exit = new GuestExit();
  return {
    proc_exit(rval: number): never {
      exit.code = rval >>> 0;
      throw exit;
    },
    /** Preview1 has no signals; C programs then end themselves. */
    proc_raise: (_sig: number): number => Errno.ENOTSUP,
  };
}

/** Makes `sched_yield`, which does nothing: a guest has one thread. */
export function schedFunctions() {
  return { sched_yield: (): number => 0 };
}
