import { CapsuleError } from "../base/errors.ts";
import type { FunctionType } from "./format/value_types.ts";

/**
 * Module that a prepared module imports from, and prefix of the names that it exports in addition.
 */
export const PREPARE_MODULE = "capsule:prepare";

/** A function that a prepared module imports from `capsule:prepare`, which a host must provide. */
export interface AddedImport {
  name: string;
  type: FunctionType;
}

/**
 * Callbacks of calls that are recorded; see `memo/record.ts`. An address is the sum of two unsigned
 * numbers.
 */
export const recordImports = {
  begin: { name: "begin", type: { params: ["i32"], results: [] } },
  note: { name: "note", type: { params: ["i64"], results: [] } },
  run: { name: "run", type: { params: [], results: [] } },
  read: { name: "read", type: { params: ["i32", "i32", "i32"], results: [] } },
  write: { name: "write", type: { params: ["i32", "i32", "i32"], results: [] } },
  leave: { name: "leave", type: { params: [], results: [] } },
  turn: { name: "turn", type: { params: [], results: [] } },
  end: { name: "end", type: { params: [], results: [] } },
} satisfies Record<string, AddedImport>;

/** Replaces `proc_exit`: the host notes the exit code and returns. */
export const exitImport: AddedImport = { name: "exit", type: { params: ["i32"], results: [] } };

/** Called before `memory.grow` with the pages asked for; returns them, or -1 to make it fail. */
export const growImport: AddedImport = {
  name: "grow",
  type: { params: ["i32"], results: ["i32"] },
};

/**
 * Adds to the number of pages that the modules of a shared memory see, and returns the number
 * before.
 */
export const pagesImport: AddedImport = {
  name: "pages",
  type: { params: ["i32"], results: ["i32"] },
};

/**
 * Called when the step counter has run out. Returns a new counter above 0, 0 when the guest must
 * `pause`, or a number below 0 when it must stop: it then traps with `unreachable`, which a guest
 * cannot catch.
 */
export const stepImport: AddedImport = { name: "step", type: { params: [], results: ["i32"] } };

/**
 * Called after `step` returned 0; returns a new counter, or a number below 0. May be a
 * `WebAssembly.Suspending`.
 */
export const pauseImport: AddedImport = { name: "pause", type: { params: [], results: ["i32"] } };

/**
 * Called where the guest waits for another thread, with its timeout in nanoseconds, below 0 for no
 * timeout. An instance has one thread, so only the timeout or a stop ends the wait. Returns as
 * `pause` does; may be a `WebAssembly.Suspending`.
 */
export const waitImport: AddedImport = {
  name: "wait",
  type: { params: ["i64"], results: ["i32"] },
};

/**
 * Export of the step counter, a mutable i32 that is 0 at first. The guest lowers it as it runs and
 * calls `step` below 0. The host may set it at any time, best before each call.
 */
export const COUNTER_EXPORT = `${PREPARE_MODULE}:counter`;

/**
 * Export of the size of memory 0 that the guest sees, in pages of 64 KiB, a mutable i32; the memory
 * itself may be larger.
 */
export const PAGES_EXPORT = `${PREPARE_MODULE}:pages`;

/**
 * Returns the exports that read and write a floating-point global as an integer, in place of the
 * global: JavaScript may change the bits of a NaN.
 */
export function accessorNames(globalName: string): { get: string; set: string } {
  return { get: `${globalName}:get`, set: `${globalName}:set` };
}

/** Names that a module imports and exports. */
interface Names {
  readonly imports: readonly { readonly module: string }[];
  readonly exports: readonly { readonly name: string }[];
}

/**
 * Checks that a module uses no name of the launcher: it must not reach what belongs to the
 * launcher, and must not be prepared twice.
 *
 * @throws CapsuleError `LOAD`
 */
export function refuseReservedNames({ imports, exports }: Names): void {
  for (const { module } of imports) if (module === PREPARE_MODULE) throw reserved(module);
  for (const { name } of exports) if (name.startsWith(`${PREPARE_MODULE}:`)) throw reserved(name);
}

function reserved(name: string): CapsuleError {
  return new CapsuleError(
    "LOAD",
    `Cannot prepare the module: names that begin with '${PREPARE_MODULE}' belong to the launcher ` +
      `and it uses '${name}' (was it prepared before?)`,
  );
}
