import { CapsuleError } from "../base/errors.ts";
import type { FunctionType } from "./format/value_types.ts";

/** The module that a prepared module imports from, and the beginning of every name that it exports in addition. */
export const PREPARE_MODULE = "capsule:prepare";

/** A function that a prepared module imports from `capsule:prepare`, which a host must offer. */
export interface AddedImport {
  name: string;
  type: FunctionType;
}

/** What calls that are recorded tell the host; see `memo/record.ts`. An address is the sum of two unsigned numbers. */
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

/** Takes the place of `proc_exit`: the host notes the exit code and returns. */
export const exitImport: AddedImport = { name: "exit", type: { params: ["i32"], results: [] } };

/**
 * Called when the step counter has run out. Gives a new one above 0, 0 when the guest must `pause`, or a number below 0
 * when it must stop: it then traps with `unreachable`. It may throw, too, but a guest's `catch_all` catches that, and no trap.
 */
export const stepImport: AddedImport = { name: "step", type: { params: [], results: ["i32"] } };

/** Called after `step` gave 0; gives a new counter, or a number below 0. May be a `WebAssembly.Suspending`. */
export const pauseImport: AddedImport = { name: "pause", type: { params: [], results: ["i32"] } };

/**
 * Export of the step counter, a mutable i32 that is 0 at first. It goes down as the guest runs; below 0 the guest calls
 * `step`. The host may set it at any time, at best before each call.
 */
export const COUNTER_EXPORT = `${PREPARE_MODULE}:counter`;

/** Export of the size of memory 0 that the guest sees, in pages of 64 KiB, a mutable i32; the memory may be larger. */
export const PAGES_EXPORT = `${PREPARE_MODULE}:pages`;

/** Names that a module imports and exports. */
interface Names {
  readonly imports: readonly { readonly module: string }[];
  readonly exports: readonly { readonly name: string }[];
}

/**
 * A guest must not reach what belongs to the launcher, nor a module be prepared twice.
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
    `Cannot prepare the module: names that begin with '${PREPARE_MODULE}' belong to the launcher and it uses '${name}' (was it prepared before?)`,
  );
}
