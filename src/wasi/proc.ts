import { makeUncatchable } from "../wasm/jspi.ts";
import { Errno } from "./preview1.ts";

/**
 * Thrown through the guest by `proc_exit`. There is one object per guest (bench: `in-process`),
 * which no guest catches: a program ends where it calls `proc_exit`, without the destructors of the
 * frames above.
 */
export class GuestExit {
  /** The exit code, unsigned. */
  code = 0;

  private constructor() {}

  /** Returns an exit with the code 0. */
  static create(): GuestExit {
    return Object.assign(Object.setPrototypeOf(makeUncatchable(), GuestExit.prototype), {
      code: 0,
    });
  }
}

/** Makes the functions that end the guest. */
export function procFunctions() {
  let exit: GuestExit | undefined;
  return {
    proc_exit(rval: number): never {
      exit ??= GuestExit.create();
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
