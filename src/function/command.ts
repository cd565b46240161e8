import type { CapsuleError } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import type { VariableValue, WasiOptions } from "../wasi/wasi.ts";
import { CallWatch, type WatchedCall } from "../wasm/call_watch.ts";
import { type CallLimits, Guest } from "../wasm/guest.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint, GuestInstance } from "../wasm/instance.ts";
import { Pool } from "../wasm/pool.ts";
import { makeInstance } from "./make_instance.ts";
import { ExitError, explainThrown } from "./traps.ts";

/** What all runs of a command have. */
export interface CommandOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly limits: CallLimits;
  readonly maxInstances: number;
  readonly maxQueue: number;
  readonly sinks: OutputSinks;
  readonly families: readonly HostFamily[];
  readonly wasi: Pick<WasiOptions, "families" | "args" | "env" | "preopens">;
}

/** One run: what it reads, where it writes, and how long it is watched. */
export interface CommandRun {
  /** Variables beside those that every run has. Default: none. */
  readonly env?: Readonly<Record<string, VariableValue>>;
  /** The standard streams of this run's guest. */
  readonly streams: (
    guest: Guest,
  ) => Pick<WasiOptions, "stdin" | "stdout" | "stderr" | "outputWaits" | "terminals">;
  /** Called when the run lasts, with what stops it: a chance to watch whether anybody still waits for it. */
  readonly onLong?: (stop: (reason: CapsuleError) => void) => void;
}

/** A plain WASI program, ready to be run: each run has an instance of its own, and ends with it. */
export class Command {
  readonly options: CommandOptions;
  readonly #blueprint: Blueprint;
  /** There is nothing to lend but the right to run. */
  readonly #places: Pool<Place>;
  readonly #watch = new CallWatch();

  private constructor(blueprint: Blueprint, options: CommandOptions) {
    const { maxInstances, maxQueue } = options;
    this.options = options;
    this.#blueprint = blueprint;
    this.#places = new Pool({ create: () => new Place(), maxInstances, maxQueue, idleMs: 60_000 });
  }

  /**
   * Makes an instance and runs nothing of it, so that a module that cannot be linked is refused before the first run.
   *
   * @throws CapsuleError `LOAD`
   */
  static open(blueprint: Blueprint, options: CommandOptions): Command {
    const made = new Command(blueprint, options);
    made.#instance(new Guest(options.sinks, options.limits), { streams: silent }).close();
    return made;
  }

  /** How many instances there are, all of them running, and how many runs wait. */
  get figures(): { instances: number; busy: number; queued: number } {
    return this.#places.figures;
  }

  /**
   * Runs the program to its end and answers its exit code.
   *
   * @throws TrapError, TimeoutError, OverloadedError, or what the run was stopped for.
   */
  async run(run: CommandRun): Promise<number> {
    const { limits, sinks } = this.options;
    const cameMs = performance.now();
    const place = this.#places.take() ?? await this.#places.takeLater(limits.timeoutMs, run.onLong);
    const guest = new Guest(sinks, limits);
    const stop = (reason: CapsuleError) => guest.stop(reason);
    const watched: WatchedCall = { guest, onLong: run.onLong && (() => run.onLong?.(stop)) };
    let instance: GuestInstance | undefined;
    try {
      instance = this.#instance(guest, run);
      instance.begin(true, cameMs);
      this.#watch.add(watched);
      await instance.promise("_start")();
      guest.output.end();
      return guest.exitCode ?? 0;
    } catch (error) {
      const explained = explainThrown(error, guest, "_start");
      if (explained instanceof ExitError) return explained.exitCode;
      throw explained;
    } finally {
      this.#watch.remove(watched);
      instance?.close();
      this.#places.giveBack(place, false);
    }
  }

  /** Refuses those who wait; runs that are under way are finished. */
  close(): void {
    this.#places.close();
    this.#watch.close();
  }

  #instance(guest: Guest, { env, streams }: Pick<CommandRun, "env" | "streams">): GuestInstance {
    const { families, name, wasi: settings } = this.options;
    const wasi = { ...settings, env: { ...settings.env, ...env }, ...streams(guest) };
    return makeInstance(this.#blueprint, { guest, wasi, families, name });
  }
}

/** Room for one run. */
class Place {
  isLent = false;
  close(): void {}
}

const silent = () => ({ stdin: { kind: "empty" } as const, stdout: () => {}, stderr: () => {} });
