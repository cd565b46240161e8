import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import {
  type FunctionRunner,
  type RunningFunction,
  type RunSpec,
  StartError,
} from "./function_runner.ts";
import {
  type InstanceEvent,
  type InstanceLife,
  isStarting,
  next,
  processOf,
  type RestartDelays,
} from "./instance_state.ts";
import { watchProcess } from "./watch_process.ts";

/** State of an instance in the list of deployments. */
export type InstanceStatus =
  | "starting"
  | "running"
  | "restarting"
  | "asleep"
  | "waking"
  | "stopping";

/** A server that holds requests for an instance that may sleep. Its URL stays the same. */
export interface InstanceActivator {
  readonly url: string;
  readonly requests: number;
  /** Milliseconds since the last request ended; 0 while one is running. */
  idleMs(): number;
  stop(graceMs: number): Promise<void>;
}

/** Options of an instance. */
export interface InstanceOptions {
  readonly runner: FunctionRunner;
  readonly spec: Omit<RunSpec, "local" | "module">;
  /** Makes sure that the module's file exists, and returns its path. */
  readonly module: () => Promise<string>;
  /** Stops the process after `afterMs` without a request, behind an activator. */
  readonly sleep?: {
    readonly afterMs: number;
    activator(wake: () => Promise<string>): InstanceActivator;
  };
  readonly delays: RestartDelays;
  /** Interval between health checks, and the timeout of each. */
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly log: Log;
  /** Called after each change of `url`. */
  readonly onChange: () => void;
}

/** Requests that the proxy had sent before it lost the URL may still arrive for this long. */
const arrivalMs = 200;
/** Grace period of a process that has been idle. */
const idleGraceMs = 1000;

/** An instance of a deployment: a running function that is checked, and restarted when it ends. */
export class FunctionInstance {
  readonly #options: InstanceOptions;
  readonly #abort = new AbortController();
  #life: InstanceLife = { state: { kind: "starting" }, restarts: 0, failures: 0 };
  #activator: InstanceActivator | undefined;
  /** Resolves with the URL of the next process. */
  #awake = urlPromise();
  /** Timers of the current state. */
  #timers = new DisposableStack();
  /** The start that is under way; never rejects. */
  #starting: Promise<void> = Promise.resolve();
  /** The end of the last process; never rejects. */
  #ending: Promise<void> = Promise.resolve();

  private constructor(options: InstanceOptions) {
    this.#options = options;
  }

  /**
   * Starts an instance and waits until it is healthy.
   *
   * @throws StartError; then nothing of it is left.
   */
  static async start(options: InstanceOptions, signal?: AbortSignal): Promise<FunctionInstance> {
    const instance = new FunctionInstance(options);
    const abort = () => instance.#abort.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      const process = await instance.#startProcess();
      instance.#dispatch({ kind: "started", process, nowMs: performance.now() });
      return instance;
    } catch (error) {
      await instance.#activator?.stop(0);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Restores an instance of an earlier worker: it sleeps, or is started until it runs. */
  static revive(options: InstanceOptions): FunctionInstance {
    const instance = new FunctionInstance(options);
    if (options.sleep === undefined) {
      instance.#starting = instance.#begin();
      return instance;
    }
    try {
      instance.#openActivator();
      instance.#life = { ...instance.#life, state: { kind: "asleep" } };
      // The caller has to know the instance before it can report its URL.
      queueMicrotask(options.onChange);
    } catch (error) {
      instance.#fail(error);
    }
    return instance;
  }

  get status(): InstanceStatus {
    const { state, restarts } = this.#life;
    if (state.kind === "backingOff") return "restarting";
    return state.kind === "starting" && restarts > 0 ? "restarting" : state.kind;
  }

  get restarts(): number {
    return this.#life.restarts;
  }

  /** The process, while there is one. */
  get process(): RunningFunction | undefined {
    return processOf(this.#life.state);
  }

  /** Requests through the activator; `undefined` without one. */
  get requests(): number | undefined {
    return this.#activator?.requests;
  }

  /** The URL for the proxy; `undefined` while no request should be sent there. */
  get url(): string | undefined {
    const { state } = this.#life;
    if (state.kind === "asleep" || state.kind === "waking") return this.#activator?.url;
    return state.kind === "running" ? this.#activator?.url ?? state.process.url : undefined;
  }

  /**
   * Lets the requests under way and those held by the activator finish for `graceMs`, and ends the
   * process. The proxy must not know the URL any more. A later call may shorten the grace period.
   */
  async stop(graceMs: number): Promise<void> {
    const isFirst = this.#life.state.kind !== "stopping";
    const endMs = performance.now() + graceMs;
    const leftMs = () => Math.max(0, endMs - performance.now());
    this.#dispatch({ kind: "stop" });
    if (isFirst && graceMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(arrivalMs, graceMs)));
      // A process that is short of CPU time reads what arrived late: before it responds.
      await this.process?.isHealthy(leftMs());
    }
    await this.#activator?.stop(leftMs());
    this.#abort.abort(new CapsuleError("STOPPED", "the instance is stopped"));
    this.#awake.reject(this.#abort.signal.reason);
    await this.process?.stop(leftMs());
    await Promise.all([this.#starting, this.#ending]);
    // It may have started just before the abort.
    await this.process?.stop(0);
  }

  async #wake(): Promise<string> {
    if (this.process) return this.process.url;
    this.#dispatch({ kind: "requested" });
    return await this.#awake.promise;
  }

  #openActivator(): void {
    this.#activator ??= this.#options.sleep?.activator(() => this.#wake());
  }

  #dispatch(event: InstanceEvent): void {
    const { url, process } = this;
    const before = this.#life;
    this.#life = next(before, event, this.#options.delays);
    if (this.#life === before) return;
    this.#timers.dispose();
    this.#timers = new DisposableStack();
    if (event.kind === "started") {
      this.#awake.resolve(event.process.url);
      this.#awake = urlPromise();
    }
    if (process && process !== this.process) {
      this.#ending = process.stop(event.kind === "idle" ? idleGraceMs : 0);
    }
    if (isStarting(this.#life.state) && !isStarting(before.state)) this.#starting = this.#begin();
    this.#enter();
    if (this.url !== url) this.#options.onChange();
  }

  /** Sets the timers of the current state. */
  #enter(): void {
    const { log, spec } = this.#options;
    const { state } = this.#life;
    const name = `${spec.function}/${spec.revision}`;
    switch (state.kind) {
      case "running":
        return this.#watch(state.process);
      case "asleep":
        return log.info(`${name}: sleeps`);
      case "backingOff": {
        const { reason, delayMs } = state;
        log.warn(`${name}: ${reason}; started again in ${delayMs / 1000} s`);
        const timer = setTimeout(() => this.#dispatch({ kind: "due" }), delayMs);
        this.#timers.defer(() => clearTimeout(timer));
      }
    }
  }

  /** Starts a process once the one before has ended. */
  async #begin(): Promise<void> {
    try {
      await this.#ending;
      const process = await this.#startProcess();
      this.#dispatch({ kind: "started", process, nowMs: performance.now() });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Starts a process that is healthy, behind an activator if it may sleep. */
  async #startProcess(): Promise<RunningFunction> {
    const { runner, spec, sleep, module: modulePath, health: { timeoutMs } } = this.#options;
    this.#openActivator();
    const module = await modulePath();
    const process = await runner.start(
      { ...spec, module, local: sleep !== undefined },
      this.#abort.signal,
    );
    if (await process.isHealthy(timeoutMs)) return process;
    await process.stop(0);
    const reason = `it does not answer its health check within ${timeoutMs} ms`;
    throw new StartError("HEALTH_CHECK_FAILED", reason, process.lines);
  }

  #watch(process: RunningFunction): void {
    const { sleep, health } = this.#options;
    process.ended.then((reason) => {
      if (this.process === process) this.#fail(reason);
    });
    const activator = this.#activator;
    this.#timers.use(watchProcess(process, {
      health,
      idle: sleep && activator &&
        { afterMs: sleep.afterMs, idleMs: () => activator.idleMs() },
      onUnhealthy: () => this.#fail("it did not answer its health checks"),
      onIdle: () => this.#dispatch({ kind: "idle" }),
    }));
  }

  #fail(error: unknown): void {
    const reason = typeof error === "string" ? error : messageOf(error);
    const isBug = typeof error !== "string" && !(error instanceof CapsuleError);
    if (isBug && !this.#abort.signal.aborted) {
      const { log, spec } = this.#options;
      log.error(`${spec.function}/${spec.revision}: this is a bug in capsule: ${reason}`);
    }
    this.#dispatch({ kind: "failed", reason, nowMs: performance.now() });
  }
}

/** Returns a promise for a URL whose rejection need not be handled. */
function urlPromise(): PromiseWithResolvers<string> {
  const url = Promise.withResolvers<string>();
  url.promise.catch(() => {});
  return url;
}
