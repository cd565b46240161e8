import { Errno } from "./preview1.ts";

/**
 * Thrown through the guest by `proc_exit`. One object per guest (hot path), which no guest catches:
 * a program ends where it calls `proc_exit`, without the destructors of the frames above.
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
function makeUncatchable(): WebAssembly.RuntimeError {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(trapModule)).exports.trap as () => void;
  try {
    trap();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error;
    throw error;
  }
  throw new Error("`unreachable` does not trap");
}
