import { CapsuleError, messageOf } from "../../base/errors.ts";
import { ComponentExit } from "../../wasi/p2/cli.ts";
import { missingImports, P2Host, type P2Options } from "../../wasi/p2/host.ts";
import type { CallLimits } from "../../wasm/call_clock.ts";
import { CallWatch } from "../../wasm/call_watch.ts";
import { Guest } from "../../wasm/guest.ts";
import type { OutputSinks } from "../../wasm/guest_output.ts";
import { isSuspendError, isThrownByGuest } from "../../wasm/jspi.ts";
import type { MemoryBudget } from "../../wasm/memory_budget.ts";
import { type Lease, OverloadedError, type Pool } from "../../wasm/pool.ts";
import { instancePool } from "../instance_pool.ts";
import { assertFits, openAccount } from "../memory_use.ts";
import { RerunHistory } from "../rerun_history.ts";
import { ExitError, explainThrown } from "../traps.ts";
import type { ComponentBlueprint } from "./load_component.ts";
import { type ComponentSnapshot, PooledComponent } from "./pooled_component.ts";

/** Settings of a component's instances. */
export interface ComponentOptions {
  /** The component as the user named it, for messages. */
  readonly name: string;
  readonly limits: CallLimits;
  readonly maxInstances: number;
  readonly maxQueue: number;
  readonly sinks: OutputSinks;
  /** Returns the WASI of one instance. */
  readonly wasi: (guest: Guest) => P2Options;
  /** Keeps the state of an instance from call to call. */
  readonly reuse: boolean;
  /** Memory of all instances. Default: no limit. */
  readonly budget?: MemoryBudget;
}

/** A call of a component's entry. It runs again if the call is rerun. */
export interface ComponentCall<T> {
  /** Calls the entry synchronously. */
  readonly run: (instance: PooledComponent) => T;
  /** Calls the entry so that it may wait. */
  readonly runAwaitable: (instance: PooledComponent) => Promise<T>;
  /**
   * Called when the call takes long, with a function that stops it: watch its client from then on.
   */
  readonly onLong?: (stop: (reason: CapsuleError) => void) => void;
}

/** A component ready to be called. Every call finds a fresh instance. */
export class ComponentFunctions {
  readonly options: ComponentOptions;
  readonly #blueprint: ComponentBlueprint;
  readonly #pool: Pool<PooledComponent>;
  readonly #watch = new CallWatch();
  /** The state after instantiation; undefined if instances cannot be reset. */
  #snapshot: ComponentSnapshot | undefined;
  readonly #history = new RerunHistory(false);

  private constructor(blueprint: ComponentBlueprint, options: ComponentOptions) {
    this.#blueprint = blueprint;
    this.options = options;
    this.#pool = instancePool(options, blueprint.memory, () => this.#create());
  }

  /**
   * Makes the first instance, so that a component that cannot run is refused before the first call.
   *
   * @throws CapsuleError `LOAD` with every import that nothing provides.
   */
  static start(blueprint: ComponentBlueprint, options: ComponentOptions): ComponentFunctions {
    refuseMissing(blueprint, options);
    if (options.budget) assertFits(options.name, options.budget, blueprint.memory);
    const made = new ComponentFunctions(blueprint, options);
    const lease = made.#pool.take();
    if (!lease) throw new Error("an empty pool had no instance");
    const { guest } = lease.value;
    // The results of the start function's host calls may differ from call to call.
    const canReset = blueprint.cannotReset.length === 0 && guest.hostCalls === 0 && !options.reuse;
    if (canReset) made.#snapshot = lease.value.takeSnapshot();
    // The first call gets this instance even if instances are not reset: closing it would close
    // what its start function opened, such as the standard input of the process.
    made.#pool.giveBack(lease, true);
    return made;
  }

  /** The number of instances, of those in a call, and of callers that queue. */
  get figures(): { instances: number; busy: number; queued: number } {
    return this.#pool.figures;
  }

  /**
   * Makes one call. Returns the result itself, not a promise, if the call did not have to wait.
   *
   * @throws TrapError, ExitError, TimeoutError, OverloadedError, or the reason it was stopped for.
   */
  call<T>(call: ComponentCall<T>): T | Promise<T> {
    const mayRerun = this.#snapshot !== undefined;
    const lease = this.#history.isAwaitable || !mayRerun ? undefined : this.#pool.take();
    if (lease) {
      const made = this.#callTentatively(lease, call);
      if (made) return made.value;
    }
    return this.callAwaitable(call);
  }

  /** Closes idle instances; calls in progress are finished. */
  close(): void {
    this.#pool.close();
    this.#watch.close();
  }

  #callTentatively<T>(
    lease: Lease<PooledComponent>,
    call: ComponentCall<T>,
  ): { value: T } | undefined {
    const { live, guest } = lease.value;
    try {
      live.begin(false);
      return this.#history.attempt(
        guest,
        () => ({ value: call.run(lease.value) }),
        (error) => this.#explain(error, guest),
      );
    } finally {
      this.#giveBack(lease);
    }
  }

  /** Makes one call that may wait. @throws as `call` does. */
  async callAwaitable<T>(
    call: Pick<ComponentCall<T>, "runAwaitable" | "onLong">,
  ): Promise<T> {
    const cameMs = performance.now();
    const lease = this.#pool.take() ??
      await this.#pool.takeLater(this.options.limits.timeoutMs, call.onLong);
    const { live, guest } = lease.value;
    const watched = this.#watch.callOf(guest, call.onLong);
    let isHealthy = true;
    try {
      live.begin(true, cameMs);
      this.#watch.add(watched);
      const value = await call.runAwaitable(lease.value);
      guest.output.end();
      return value;
    } catch (error) {
      isHealthy = this.#snapshot !== undefined;
      throw this.#explain(error, guest);
    } finally {
      this.#watch.remove(watched);
      this.#giveBack(lease, isHealthy);
    }
  }

  #explain(error: unknown, guest: Guest): unknown {
    if (!(error instanceof ComponentExit)) return explainThrown(error, guest, "component");
    guest.output.end();
    return new ExitError(error.code);
  }

  #giveBack(lease: Lease<PooledComponent>, isHealthy = true): void {
    const isKept = this.#snapshot ? lease.value.reset(this.#snapshot) : this.options.reuse;
    this.#pool.giveBack(lease, isHealthy && isKept);
  }

  #create(): PooledComponent {
    const { budget, limits, sinks, wasi } = this.options;
    const use = budget && openAccount(budget, this.#blueprint.memory);
    const guest = new Guest(sinks, limits, use);
    const settings = wasi(guest);
    try {
      guest.beginStartSection();
      const parts = { guest, wasi: settings, account: use?.account };
      const made = new PooledComponent(this.#blueprint, parts);
      // Start functions may have grown the memories before these could be counted.
      const bytes = this.#blueprint.memory.fixedBytes + guest.countedBytes();
      if (budget && use?.account.growTo(bytes) === false) {
        made.close();
        throw OverloadedError.ofMemory(budget.limitBytes);
      }
      return made;
    } catch (error) {
      use?.account.close();
      for (const cancel of settings.state.pending) cancel();
      throw this.#explainStart(error, guest);
    }
  }

  /** Returns the error for an instance whose start functions or segments fail. */
  #explainStart(error: unknown, guest: Guest): unknown {
    if (guest.stopped) return guest.stopped;
    const { name } = this.options;
    if (guest.rerunReason || isSuspendError(error)) {
      return new CapsuleError(
        "LOAD",
        `${name}: its start function waits or writes, which only a call may do`,
      );
    }
    if (error instanceof ComponentExit) {
      const ended = `its start function ended with exit code ${error.code}`;
      return new CapsuleError("LOAD", `${name}: ${ended}`);
    }
    if (!isThrownByGuest(error)) return error;
    return new CapsuleError("LOAD", `${name} cannot be instantiated: ${messageOf(error)}`);
  }
}

/** Refuses a component with an import that nothing provides, in one message that names each. */
function refuseMissing(
  { plan }: ComponentBlueprint,
  { name, wasi, sinks, limits }: ComponentOptions,
) {
  const missing = missingImports(plan.imports, new P2Host(wasi(new Guest(sinks, limits))));
  if (missing.length === 0) return;
  const list = missing.map((one) =>
    one.function === undefined ? one.interface : `${one.interface} (${one.function})`
  );
  const hint = missing.some(({ interface: name }) => /@0\.[4-9]/.test(name))
    ? "; it is built for a later WASI, and Capsule runs WASI 0.2 and 0.3"
    : "; compose it with a component that exports them (wac plug), or build it without them";
  throw new CapsuleError(
    "LOAD",
    `${name} imports what nothing provides: ${list.join(", ")}${hint}`,
  );
}
