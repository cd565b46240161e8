import type { CapsuleError } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import type { CallLimits } from "../wasm/call_clock.ts";
import { CallWatch, type WatchedCall } from "../wasm/call_watch.ts";
import { Guest } from "../wasm/guest.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import type { GuestInstance } from "../wasm/instance.ts";
import type { MemoryBudget } from "../wasm/memory_budget.ts";
import { MemoryReset } from "../wasm/memory_reset.ts";
import type { Lease, Pool } from "../wasm/pool.ts";
import { instancePool } from "./instance_pool.ts";
import { assertFits, openAccount } from "./memory_use.ts";
import { makeInstance } from "./make_instance.ts";
import { PooledInstance } from "./pooled_instance.ts";
import { RerunHistory } from "./rerun_history.ts";
import { explainThrown } from "./traps.ts";

/** Settings of a function's instances. */
export interface FunctionOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  /** Name of the export that is called. */
  readonly handler: string;
  readonly limits: CallLimits;
  readonly maxInstances: number;
  readonly maxQueue: number;
  readonly sinks: OutputSinks;
  readonly families: readonly HostFamily[];
  readonly wasi: WasiSettings;
  /** Memory of all instances. Default: no limit. */
  readonly budget?: MemoryBudget;
}

/** Settings of a function's WASI. */
export type WasiSettings = Pick<WasiOptions, "families" | "args" | "env" | "preopens" | "stdin">;

/** A call of a function's handler. `pass` and `take` run again if the call is rerun. */
export interface FunctionCall<T> {
  /** Writes the arguments into the guest and returns the handler's parameters. */
  readonly pass: (instance: GuestInstance) => readonly number[];
  /** Reads the result out of the guest. */
  readonly take: (instance: GuestInstance, result: unknown) => T;
  /**
   * Called when the call takes long, with a function that stops it: watch its client from then on.
   */
  readonly onLong?: (stop: (reason: CapsuleError) => void) => void;
}

/**
 * A module ready to be called. Every call finds a fresh instance.
 *
 * A call is tentative first: it is made synchronously and its output is held back. If it has to
 * wait, is about to have a side effect, or exceeds its slice, it is discarded and rerun where it
 * can be paused. A function whose call was rerun is called as an awaitable one from then on
 * (`RerunHistory`).
 */
export class CapsuleFunction {
  readonly options: FunctionOptions;
  readonly #blueprint: Blueprint;
  readonly #pool: Pool<PooledInstance>;
  readonly #watch = new CallWatch();
  readonly #history: RerunHistory;

  private constructor(blueprint: Blueprint, options: FunctionOptions) {
    this.#blueprint = blueprint;
    this.options = options;
    // Calls on files are side effects, and with `-reuse` state is: neither can be discarded.
    const mayRerun = options.wasi.preopens.length === 0 && blueprint.isolation !== "reuse";
    this.#history = new RerunHistory(!mayRerun);
    this.#pool = instancePool(options, blueprint.memory, () => this.#create());
  }

  /**
   * Starts the first instance, so that a module that cannot run is refused before the first call.
   *
   * @throws CapsuleError `LOAD`, or the error with which `_start` ended.
   */
  static async start(blueprint: Blueprint, options: FunctionOptions): Promise<CapsuleFunction> {
    if (options.budget) assertFits(options.name, options.budget, blueprint.memory);
    const made = new CapsuleFunction(blueprint, options);
    const lease = made.#pool.take();
    if (!lease) throw new Error("an empty pool had no instance");
    const { instance } = lease.value;
    const watched: WatchedCall = { guest: instance.guest };
    try {
      await made.#start(instance, performance.now(), watched);
      made.#pool.giveBack(lease, true);
      return made;
    } catch (error) {
      made.#pool.giveBack(lease, false);
      made.close();
      throw explainThrown(error, instance.guest, { blueprint, handler: "_start" });
    } finally {
      made.#watch.remove(watched);
    }
  }

  /** The number of instances, of those in a call, and of callers that queue. */
  get figures(): { instances: number; busy: number; queued: number } {
    return this.#pool.figures;
  }

  /**
   * Makes one call. Returns the result itself, not a promise, if the call did not have to wait.
   *
   * @throws TrapError, ExitError, TimeoutError, OverloadedError, or the reason it was stopped for;
   * a promise is rejected with these.
   */
  call<T>(call: FunctionCall<T>): T | Promise<T> {
    const lease = this.#history.isAwaitable ? undefined : this.#pool.take();
    if (lease) {
      const made = this.#callTentatively(lease, call);
      if (made) return made.value;
    }
    return this.#callAwaitable(call);
  }

  /** Closes idle instances; calls in progress are finished. */
  close(): void {
    this.#pool.close();
    this.#watch.close();
  }

  /** Calls synchronously; returns undefined if the call was discarded and has to be rerun. */
  #callTentatively<T>(
    lease: Lease<PooledInstance>,
    call: FunctionCall<T>,
  ): { value: T } | undefined {
    const { instance } = lease.value;
    let isHealthy = this.#isReset;
    try {
      instance.begin(false);
      const made = this.#history.attempt(
        instance.guest,
        () => {
          if (instance.start()) {
            return { value: call.take(instance, lease.value.call(call.pass(instance))) };
          }
          this.#history.isAwaitable = instance.startIsAwaitable;
        },
        (error) => this.#explain(error, instance.guest),
      );
      isHealthy ||= made !== undefined;
      return made;
    } finally {
      this.#giveBack(lease, isHealthy);
    }
  }

  async #callAwaitable<T>(call: FunctionCall<T>): Promise<T> {
    const cameMs = performance.now();
    const lease = this.#pool.take() ??
      await this.#pool.takeLater(this.options.limits.timeoutMs, call.onLong);
    const { instance } = lease.value;
    const { guest } = instance;
    const watched = this.#watch.callOf(guest, call.onLong);
    let isHealthy = true;
    try {
      const starting = this.#start(instance, cameMs, watched);
      if (starting) await starting;
      instance.begin(true, cameMs);
      if (!this.#watch.has(watched)) this.#watch.add(watched);
      const result = await lease.value.callAwaitable(call.pass(instance));
      const value = call.take(instance, result);
      guest.output.end();
      return value;
    } catch (error) {
      isHealthy = this.#isReset;
      throw this.#explain(error, guest);
    } finally {
      this.#watch.remove(watched);
      this.#giveBack(lease, isHealthy);
    }
  }

  #explain(error: unknown, guest: Guest): unknown {
    return explainThrown(error, guest, {
      blueprint: this.#blueprint,
      handler: this.options.handler,
    });
  }

  /** Runs `_start` synchronously if possible; else returns a promise and watches the call. */
  #start(instance: GuestInstance, cameMs: number, watched: WatchedCall): Promise<void> | undefined {
    if (instance.isReady) return undefined;
    instance.begin(false, cameMs);
    return instance.start() ? undefined : this.#startAwaitable(instance, cameMs, watched);
  }

  async #startAwaitable(
    instance: GuestInstance,
    cameMs: number,
    watched: WatchedCall,
  ): Promise<void> {
    this.#watch.add(watched);
    await instance.startAwaitable(cameMs);
    if (instance.guest.stopped) throw instance.guest.stopped;
  }

  /** True if an instance is reset after a call, and so survives even one that failed. */
  get #isReset(): boolean {
    return this.#blueprint.isolation === "reset";
  }

  #giveBack(lease: Lease<PooledInstance>, isHealthy: boolean): void {
    const { instance } = lease.value;
    if (isHealthy && this.#blueprint.isolation === "reuse") instance.keep();
    else isHealthy &&= instance.reset();
    this.#pool.giveBack(lease, isHealthy);
  }

  #create(): PooledInstance {
    const { families, handler, limits, name, sinks, wasi: settings } = this.options;
    const use = this.options.budget && openAccount(this.options.budget, this.#blueprint.memory);
    const guest = new Guest(sinks, limits, use);
    const write = (descriptor: 1 | 2) => (bytes: Uint8Array) => {
      guest.noteHostCall();
      guest.output.write(descriptor, bytes);
      guest.limitBufferedOutput();
    };
    const wasi = { ...settings, stdout: write(1), stderr: write(2) };
    const memoryReset = this.#isReset ? new MemoryReset() : undefined;
    const parts = { guest, wasi, families, name, memoryReset };
    try {
      return new PooledInstance(makeInstance(this.#blueprint, parts), handler, use?.account);
    } catch (error) {
      use?.account.close();
      throw error;
    }
  }
}
