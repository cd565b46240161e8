import type { CoreValue, Value } from "../abi/codec.ts";
import type { FuncType, Resource } from "../types/types.ts";

/** A function of the host, called with lifted arguments. */
export interface HostFunction {
  readonly call: (...args: Value[]) => Value | Promise<Value>;
  /** True if it may return a promise; the guest is suspended meanwhile. */
  readonly mayWait?: boolean;
  /** True if it uses lists of bytes only until it returns: they are views of the guest's memory. */
  readonly borrowsBytes?: boolean;
}

/** The promise of an asynchronous function of the host. */
export interface HostPromise extends Promise<Value> {
  /** Stops the work, whose result is no longer wanted. The promise need not settle. */
  cancel?(): void;
}

/** Host work in progress. */
export interface HostWork {
  /** Stops waiting for it: its result is dropped. */
  cancel(): void;
}

/** Applies the results of host work when no code of the component runs. */
export interface HostTasks {
  /**
   * Adds work; `apply` is called with its value. If the work rejects, the call fails with its
   * error.
   */
  add<T>(work: Promise<T>, apply: (value: T) => void): HostWork;
}

/** The functions of preview1, for a component whose adapter is replaced. */
export interface Preview1 {
  /** Sets the memory that pointers point into. Called when it exists. */
  bind(memory: WebAssembly.Memory): void;
  /** Returns a function by its name. */
  function(name: string): Preview1Function;
}

/** A function of preview1. */
export interface Preview1Function {
  /** Returns an error number. */
  readonly call: (...args: CoreValue[]) => number | Promise<number>;
  /** True if it may return a promise; the guest is suspended meanwhile. */
  readonly mayWait: boolean;
}

/** The functions and resources that a host provides to a component. */
export interface Host {
  /** Returns the function for an import, or undefined if the host lacks it. */
  function(path: readonly string[], type: FuncType): HostFunction | undefined;
  /**
   * Called with the representation of a host resource whose owned handle is dropped.
   *
   * @param isReset true if the instance is reset, which drops all handles in any order.
   */
  drop(resource: Resource, rep: unknown, isReset: boolean): void;
  /** Called first for a component that uses the asynchronous ABI. */
  attach?(tasks: HostTasks): void;
  /** Set for a component whose adapter is replaced. */
  readonly preview1?: Preview1;
}
