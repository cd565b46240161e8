import { CapsuleError } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import { CallWatch, type WatchedCall } from "../wasm/call_watch.ts";
import { type CallLimits, Guest } from "../wasm/guest.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint, GuestInstance } from "../wasm/instance.ts";
import { mustWait } from "../wasm/jspi.ts";
import { MemoryReset } from "../wasm/memory_reset.ts";
import { Pool } from "../wasm/pool.ts";
import { StandingStack } from "../wasm/standing_stack.ts";
import { makeInstance } from "./make_instance.ts";
import { explainThrown } from "./traps.ts";

/** What a function's instances are given. */
export interface FunctionOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  /** The export that is called. */
  readonly handler: string;
  readonly limits: CallLimits;
  readonly maxInstances: number;
  readonly maxQueue: number;
  readonly sinks: OutputSinks;
  readonly families: readonly HostFamily[];
  readonly wasi: WasiSettings;
}

/** What WASI shows a guest. */
export type WasiSettings = Pick<WasiOptions, "families" | "args" | "env" | "preopens" | "stdin">;

/** One call, in the two ways in which it may be made. */
export interface Call<T> {
  /** Puts the arguments into the guest and names where they lie. */
  readonly pass: (instance: GuestInstance) => readonly number[];
  /** Takes the result out of the guest. */
  readonly take: (instance: GuestInstance, result: unknown) => T;
  /** Called when the call lasts, with what stops it: a chance to watch whether its caller is still there. */
  readonly onLong?: (stop: (reason: CapsuleError) => void) => void;
}

const idleMs = 60_000;
const slowCall = 64; // quick calls that make up for one that was longer than a slice

/**
 * A module ready to be called. Every call finds a just-started instance.
 *
 * A call is made synchronously first: what it logs is held back, and if it comes to something that waits or is seen
 * outside, or computes longer than its slice, it is thrown away (nothing of it has happened) and made again where it can be
 * paused. Functions that need that are remembered, so it happens once.
 */
export class CapsuleFunction {
  readonly options: FunctionOptions;
  readonly #blueprint: Blueprint;
  readonly #pool: Pool<GuestInstance>;
  readonly #watch = new CallWatch();
  #waits: boolean;
  /** Grows with each call that is longer than a slice and shrinks with each that is not. */
  #slowness = 0;

  private constructor(blueprint: Blueprint, options: FunctionOptions) {
    this.#blueprint = blueprint;
    this.options = options;
    // What a guest does to files can be seen from outside, so such calls are never thrown away.
    // With state that is to be kept, no call may be thrown away, either.
    this.#waits = options.wasi.preopens.length > 0 || blueprint.isolation === "reuse";
    this.#pool = new Pool({
      create: () => this.#create(),
      maxInstances: options.maxInstances,
      maxQueue: options.maxQueue,
      idleMs,
    });
  }

  /**
   * Starts the first instance, so that a module that cannot run is refused before the first call.
   *
   * @throws CapsuleError `LOAD`, or what `_start` ended with.
   */
  static async start(blueprint: Blueprint, options: FunctionOptions): Promise<CapsuleFunction> {
    const made = new CapsuleFunction(blueprint, options);
    const instance = made.#pool.take();
    if (!instance) throw new Error("an empty pool had no instance");
    const watched: WatchedCall = { guest: instance.guest };
    try {
      await made.#start(instance, performance.now(), watched);
      made.#pool.giveBack(instance, true);
      return made;
    } catch (error) {
      made.#pool.giveBack(instance, false);
      made.close();
      throw explainThrown(error, instance.guest, "_start");
    } finally {
      made.#watch.remove(watched);
    }
  }

  /** How many instances there are, how many of them are in a call, and how many callers wait. */
  get figures(): { instances: number; busy: number; queued: number } {
    return this.#pool.figures;
  }

  /** Makes one call; the result is there at once when the function is quick. */
  call<T>(call: Call<T>): T | Promise<T> {
    const instance = this.#waits ? undefined : this.#pool.take();
    if (instance) {
      const made = this.#callNow(instance, call);
      if (made) return made.value;
    }
    return this.#callWaiting(call);
  }

  /** Calls synchronously; `undefined` says that the call was thrown away, and has to be made where it can wait. */
  #callNow<T>(instance: GuestInstance, call: Call<T>): { value: T } | undefined {
    const { guest } = instance;
    let healthy = true;
    try {
      instance.begin(false);
      if (!instance.start()) {
        this.#waits = instance.startWaits;
        return undefined;
      }
      instance.isFresh = false;
      const handler = instance.exports[this.options.handler] as (
        ...args: readonly number[]
      ) => unknown;
      const result = handler(...call.pass(instance));
      if (guest.startsAgain) throw new Error("the guest caught what was to end its call");
      const value = call.take(instance, result);
      guest.output.end();
      if (this.#slowness > 0) this.#slowness--;
      return { value };
    } catch (error) {
      healthy = this.#survives;
      if (!guest.startsAgain && !mustWait(error)) {
        throw explainThrown(error, guest, this.options.handler);
      }
      guest.output.discard();
      this.#remember(guest);
      return undefined;
    } finally {
      this.#giveBack(instance, healthy);
    }
  }

  /** Frees what is idle; calls that run are finished. */
  close(): void {
    this.#pool.close();
    this.#watch.close();
  }

  async #callWaiting<T>(call: Call<T>): Promise<T> {
    const cameMs = performance.now();
    const instance = this.#pool.take() ??
      await this.#pool.takeLater(this.options.limits.timeoutMs, call.onLong);
    const { guest } = instance;
    const stop = (reason: CapsuleError) => {
      if (this.#watch.has(watched)) guest.stop(reason); // later, the guest is in somebody else's call
    };
    const watched: WatchedCall = { guest, onLong: call.onLong && (() => call.onLong?.(stop)) };
    let healthy = true;
    try {
      const starting = this.#start(instance, cameMs, watched);
      if (starting) await starting;
      instance.begin(true, cameMs);
      instance.isFresh = false;
      if (!this.#watch.has(watched)) this.#watch.add(watched);
      const result = await this.#handle(instance, call.pass(instance));
      const value = call.take(instance, result);
      guest.output.end();
      return value;
    } catch (error) {
      healthy = this.#survives;
      throw explainThrown(error, guest, this.options.handler);
    } finally {
      this.#watch.remove(watched);
      this.#giveBack(instance, healthy);
    }
  }

  /** Calls the handler where it may wait. */
  #handle(instance: GuestInstance, args: readonly number[]): unknown {
    const { handler } = this.options;
    instance.standing ??= StandingStack.of(instance.exports[handler] as WebAssembly.ExportValue);
    return instance.standing ? instance.standing.call(args) : instance.promise(handler)(...args);
  }

  /** What came to wait will come to it again; what was slow may have been so by chance, as the first calls are. */
  #remember({ startsAgain }: Guest): void {
    if (startsAgain === "slow") this.#slowness += slowCall;
    this.#waits = startsAgain !== "slow" || this.#slowness > 2 * slowCall;
  }

  /** Runs `_start` for a call that came at that time: at once, or where it may wait, and is watched as the call is. */
  #start(instance: GuestInstance, cameMs: number, watched: WatchedCall): Promise<void> | undefined {
    if (instance.isFresh) return undefined;
    instance.begin(false, cameMs);
    return instance.start() ? undefined : this.#startWaiting(instance, cameMs, watched);
  }

  async #startWaiting(
    instance: GuestInstance,
    cameMs: number,
    watched: WatchedCall,
  ): Promise<void> {
    this.#watch.add(watched);
    await instance.startWaiting(cameMs);
    if (instance.guest.stopped) throw instance.guest.stopped;
  }

  /** Whether an instance is used again after a call, however that ended: when all of it is put back. */
  get #survives(): boolean {
    return this.#blueprint.isolation === "reset";
  }

  #giveBack(instance: GuestInstance, healthy: boolean): void {
    if (healthy && this.#blueprint.isolation === "reuse") instance.keepState();
    else healthy &&= instance.putBack();
    this.#pool.giveBack(instance, healthy);
  }

  #create(): GuestInstance {
    const { limits, sinks, families, wasi: settings, name } = this.options;
    const guest = new Guest(sinks, limits);
    const write = (descriptor: 1 | 2) => (bytes: Uint8Array) => {
      guest.hostCalls++;
      guest.output.write(descriptor, bytes);
      guest.boundHeld();
    };
    const wasi = { ...settings, stdout: write(1), stderr: write(2) };
    const memoryReset = this.#survives ? new MemoryReset() : undefined;
    return makeInstance(this.#blueprint, { guest, wasi, families, name, memoryReset });
  }
}
