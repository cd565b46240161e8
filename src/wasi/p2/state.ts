import type { InputStream, OutputStream } from "./stream_types.ts";
import type { Value } from "../../component/abi/codec.ts";
import type { WasiClock } from "../state.ts";

/**
 * A function of WASI 0.2, called with lifted arguments. Only functions that an interface lists in
 * `waits` may return a promise.
 */
export type P2Function = (...args: never[]) => Value | Promise<Value>;

/** The functions of one interface, by their names in a component. */
export interface P2Interface {
  readonly functions: Readonly<Record<string, P2Function>>;
  /** Names of functions that may return a promise. */
  readonly waits?: readonly string[];
  /** Names of functions that use lists of bytes only until they return. */
  readonly borrows?: readonly string[];
  /** Destructors of its resources, by their names. Default: nothing to free. */
  readonly drops?: Readonly<Record<string, (rep: never) => void>>;
  /** Names of resources that are a `Parent`: a guest that drops one before its children traps. */
  readonly parents?: readonly string[];
}

/** State that the functions of one guest share. */
export interface P2State {
  readonly args: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly stdin: () => InputStream;
  readonly stdout: () => OutputStream;
  readonly stderr: () => OutputStream;
  readonly terminals: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly clock: WasiClock;
  /** Fills a buffer of up to 65,536 bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** Cancels waits in progress, such as timers, when the call ends. */
  readonly pending: Set<() => void>;
  /** Throws past the deadline. Call it in loops whose length the guest chooses. */
  readonly assertInTime: () => void;
  /** Call before an effect that other programs can see; it may end a call that will be rerun. */
  readonly beforeSideEffect: () => void;
}

/** `result::ok`. */
export function ok(value?: Value): Value {
  return { tag: "ok", value };
}

/** `result::err`. */
export function err(value?: Value): Value {
  return { tag: "error", value };
}
