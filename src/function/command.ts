import type { CapsuleError } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import type { VariableValue, WasiOptions } from "../wasi/wasi.ts";
import { CallWatch, type WatchedCall } from "../wasm/call_watch.ts";
import type { CallLimits } from "../wasm/call_clock.ts";
import { Guest, type MemoryUse } from "../wasm/guest.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import type { GuestInstance } from "../wasm/instance.ts";
import type { MemoryBudget } from "../wasm/memory_budget.ts";
import type { Closable, Pool } from "../wasm/pool.ts";
import { instancePool } from "./instance_pool.ts";
import { assertFits, openAccount } from "./memory_use.ts";
import { makeInstance } from "./make_instance.ts";
import { ExitError, explainThrown } from "./traps.ts";

/** Settings of all runs of a command. */
export interface CommandOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly limits: CallLimits;
  readonly maxInstances: number;
  readonly maxQueue: number;
  readonly sinks: OutputSinks;
  readonly families: readonly HostFamily[];
  readonly wasi: Pick<WasiOptions, "families" | "args" | "env" | "preopens">;
  /** Memory of all instances. Default: no limit. */
  readonly budget?: MemoryBudget;
}

/** Settings of one run. */
export interface CommandRun {
  /** Variables in addition to those of every run. Default: none. */
  readonly env?: Readonly<Record<string, VariableValue>>;
  /** Returns the standard streams of this run. */
  readonly streams: (
    guest: Guest,
  ) => Pick<WasiOptions, "stdin" | "stdout" | "stderr" | "outputWaits" | "terminals">;
  /**
   * Called when the run takes long, with a function that stops it: watch its client from then on.
   */
  readonly onLong?: (stop: (reason: CapsuleError) => void) => void;
}

/** A plain WASI program, ready to be run. Each run has its own instance. */
export class Command {
  readonly options: CommandOptions;
  readonly #blueprint: Blueprint;
  /** Limits the runs; a program's instances are not pooled. */
  readonly #permits: Pool<Permit>;
  readonly #watch = new CallWatch();

  private constructor(blueprint: Blueprint, options: CommandOptions) {
    this.options = options;
    this.#blueprint = blueprint;
    this.#permits = instancePool(options, blueprint.memory, (): Permit => {
      const use = options.budget && openAccount(options.budget, blueprint.memory);
      return { use, close: () => use?.account.close() };
    });
  }

  /**
   * Makes an instance without running it, so that a module that cannot be linked is refused before
   * the first run.
   *
   * @throws CapsuleError `LOAD`
   */
  static open(blueprint: Blueprint, options: CommandOptions): Command {
    if (options.budget) assertFits(options.name, options.budget, blueprint.memory);
    const made = new Command(blueprint, options);
    made.#instance(new Guest(options.sinks, options.limits), { streams: silent }).close();
    return made;
  }

  /** The number of instances, all of them running, and of runs that queue. */
  get figures(): { instances: number; busy: number; queued: number } {
    return this.#permits.figures;
  }

  /**
   * Runs the program to its end and returns its exit code.
   *
   * @throws TrapError, TimeoutError, OverloadedError, or the reason the run was stopped for.
   */
  async run(run: CommandRun): Promise<number> {
    const { limits, sinks } = this.options;
    const cameMs = performance.now();
    const permit = this.#permits.take() ??
      await this.#permits.takeLater(limits.timeoutMs, run.onLong);
    const guest = new Guest(sinks, limits, permit.value.use);
    const stop = (reason: CapsuleError) => guest.stop(reason);
    const watched: WatchedCall = { guest, onLong: run.onLong && (() => run.onLong?.(stop)) };
    let instance: GuestInstance | undefined;
    try {
      instance = this.#instance(guest, run);
      instance.begin(true, cameMs);
      this.#watch.add(watched);
      await instance.awaitable("_start")();
      guest.output.end();
      return guest.exitCode ?? 0;
    } catch (error) {
      const explained = explainThrown(error, guest, {
        blueprint: this.#blueprint,
        handler: "_start",
      });
      if (explained instanceof ExitError) return explained.exitCode;
      throw explained;
    } finally {
      this.#watch.remove(watched);
      instance?.close();
      this.#permits.giveBack(permit, false);
    }
  }

  /** Rejects queued runs; runs in progress are finished. */
  close(): void {
    this.#permits.close();
    this.#watch.close();
  }

  #instance(guest: Guest, { env, streams }: Pick<CommandRun, "env" | "streams">): GuestInstance {
    const { families, name, wasi: settings } = this.options;
    const wasi = { ...settings, env: { ...settings.env, ...env }, ...streams(guest) };
    return makeInstance(this.#blueprint, { guest, wasi, families, name });
  }
}

/** The right to run, and the memory of the run's instance. */
interface Permit extends Closable {
  readonly use: MemoryUse | undefined;
}

const silent = () => ({ stdin: { kind: "empty" } as const, stdout: () => {}, stderr: () => {} });
