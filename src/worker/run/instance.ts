import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { delayMs, type RestartDelays } from "./backoff.ts";
import {
  type FunctionRunner,
  type RunningFunction,
  type RunSpec,
  StartError,
} from "./function_runner.ts";

/** How an instance does. `restarting`: it ended, and is started again after a while. */
export type InstanceState =
  | "starting"
  | "running"
  | "restarting"
  | "asleep"
  | "waking"
  | "stopping";

/** What stands before an instance that may sleep: it has the URL, holds requests while the instance wakes, and knows when the last one was. */
export interface Front {
  readonly url: string;
  readonly requests: number;
  /** How long nothing has gone through it; 0 while something does. */
  idleMs(): number;
  stop(graceMs: number): Promise<void>;
}

export interface InstanceOptions {
  readonly runner: FunctionRunner;
  readonly spec: Omit<RunSpec, "local" | "module">;
  /** Sees to it that the module's file is there, and names it. */
  readonly module: () => Promise<string>;
  /** Without requests for so long it sleeps, behind a front that this makes. */
  readonly sleep?: { readonly afterMs: number; front(wake: () => Promise<string>): Front };
  readonly delays: RestartDelays;
  /** How often it is asked whether it is well, and how long the answer may take. */
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly log: Log;
  /** Told after each change of `url`. */
  readonly onChange: () => void;
}

/** An instance that does not answer so many checks one after the other is not well. */
const unansweredChecks = 2;
/** After its URL was taken from the proxy, requests that were under way there still arrive. */
const arrivalMs = 200;

/** What made an instance's time with a process end. */
type End = "ended" | "unwell" | "idle" | "stop";

/** One of the instances of a deployment: a running function that is looked after, and started again when it ends. */
export class FunctionInstance {
  readonly #options: InstanceOptions;
  readonly #stop = new AbortController();
  #front: Front | undefined;
  #state: InstanceState = "starting";
  #isLeaving = false;
  #running: RunningFunction | undefined;
  /** Resolves when it runs; anew after each time that it does not. */
  #awake = Promise.withResolvers<string>();
  #wake = Promise.withResolvers<void>();
  #life: Promise<void> = Promise.resolve();
  #restarts = 0;

  private constructor(options: InstanceOptions) {
    this.#options = options;
    this.#awake.promise.catch(() => {});
  }

  /**
   * Starts one, and resolves when it is well.
   *
   * @throws StartError; then nothing is left of it.
   */
  static async start(options: InstanceOptions, signal?: AbortSignal): Promise<FunctionInstance> {
    const instance = new FunctionInstance(options);
    const stop = () => instance.#stop.abort(signal?.reason);
    signal?.addEventListener("abort", stop);
    try {
      const running = await instance.#begin();
      instance.#life = instance.#live(running);
      return instance;
    } catch (error) {
      await instance.#front?.stop(0);
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** One that ran before the worker was started again: it is tried until it runs, or sleeps until it is needed. */
  static revive(options: InstanceOptions): FunctionInstance {
    const instance = new FunctionInstance(options);
    instance.#life = instance.#live(undefined);
    return instance;
  }

  get state(): InstanceState {
    return this.#isLeaving ? "stopping" : this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Its process, while it has one. */
  get running(): RunningFunction | undefined {
    return this.#running;
  }

  /** Requests that came through its front; `undefined` without one. */
  get requests(): number | undefined {
    return this.#front?.requests;
  }

  /** Where it serves; `undefined` while nobody should be sent there. */
  get url(): string | undefined {
    if (this.#isLeaving) return undefined;
    if (this.#state === "asleep" || this.#state === "waking") return this.#front?.url;
    return this.#state === "running" ? this.#front?.url ?? this.#running?.url : undefined;
  }

  /** Lets what it serves finish, what its front holds too, and ends it. Its URL must be out of the proxy by then. */
  async stop(graceMs: number): Promise<void> {
    const mayBeCalled = !this.#isLeaving && graceMs > 0;
    this.#isLeaving = true;
    const endMs = performance.now() + graceMs;
    const leftMs = () => Math.max(0, endMs - performance.now());
    if (mayBeCalled) {
      await pause(Math.min(arrivalMs, graceMs));
      // A process that is short of time may not have read yet what arrived. Once it answers this, it has.
      await this.#running?.isHealthy(leftMs());
    }
    await this.#front?.stop(leftMs());
    this.#stop.abort(new CapsuleError("STOPPED", "the instance is stopped"));
    this.#awake.reject(this.#stop.signal.reason);
    await this.#running?.stop(leftMs());
    await this.#life;
    // One that came to run just then.
    await this.#running?.stop(0);
  }

  async #whenAwake(): Promise<string> {
    this.#wake.resolve();
    return await this.#awake.promise;
  }

  /** A running function that is well, behind a front if it may sleep. */
  async #begin(): Promise<RunningFunction> {
    const { runner, spec, sleep, health: { timeoutMs } } = this.#options;
    this.#openFront();
    const module = await this.#options.module();
    const running = await runner.start(
      { ...spec, module, local: sleep !== undefined },
      this.#stop.signal,
    );
    if (await running.isHealthy(timeoutMs)) return running;
    await running.stop(0);
    const why = `it does not answer its health check within ${timeoutMs} ms`;
    throw new StartError("HEALTH_CHECK_FAILED", why, running.lines);
  }

  #openFront(): void {
    this.#front ??= this.#options.sleep?.front(() => this.#whenAwake());
  }

  async #live(first: RunningFunction | undefined): Promise<void> {
    const { delays, spec: { function: name, revision }, log } = this.#options;
    const what = `${name}/${revision}`;
    // From now on whoever stops this instance ends that, too.
    this.#running = first;
    let running = first;
    let ends = 0;
    while (!this.#stop.signal.aborted) {
      let why: string;
      try {
        if (this.#state === "starting" && !running && this.#options.sleep) {
          this.#openFront();
          this.#change("asleep", undefined);
        }
        if (this.#state === "asleep") await this.#untilNeeded();
        running ??= await this.#begin();
        const sinceMs = performance.now();
        const end = await this.#serve(running);
        if (end === "stop") return;
        if (end === "idle") {
          await running.stop(1000);
          continue;
        }
        this.#change("restarting", undefined);
        if (end === "unwell") await running.stop(0);
        why = end === "unwell" ? "it did not answer its health checks" : await running.ended;
        if (performance.now() - sinceMs >= delays.forgetMs) ends = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        why = messageOf(error);
        if (!(error instanceof CapsuleError)) {
          log.error(`${what}: this is a bug in capsule: ${why}`);
        }
      } finally {
        running = undefined;
      }
      this.#restarts++;
      this.#change("restarting", undefined);
      const waitMs = delayMs(++ends, delays);
      log.warn(`${what}: ${why}; started again in ${waitMs / 1000} s`);
      await pause(waitMs, this.#stop.signal);
    }
  }

  /** Until it ends, is not well, has nothing to do, or shall stop. */
  async #serve(running: RunningFunction): Promise<End> {
    const { sleep, health, log, spec } = this.#options;
    const { promise, resolve } = Promise.withResolvers<End>();
    const stop = () => resolve("stop");
    this.#stop.signal.addEventListener("abort", stop);
    running.ended.then(() => resolve("ended"));
    this.#change("running", running);
    if (this.#stop.signal.aborted) stop();

    let unanswered = 0;
    let isAsking = false;
    const asking = setInterval(async () => {
      if (isAsking) return;
      isAsking = true;
      unanswered = await running.isHealthy(health.timeoutMs) ? 0 : unanswered + 1;
      isAsking = false;
      if (unanswered >= unansweredChecks) resolve("unwell");
    }, health.intervalMs);
    let looking: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      const leftMs = (sleep?.afterMs ?? 0) - (this.#front?.idleMs() ?? 0);
      if (leftMs > 0) return looking = setTimeout(look, leftMs);
      // At once, so that a request that comes now waits for the next process.
      this.#change("asleep", undefined);
      log.info(`${spec.function}/${spec.revision}: sleeps`);
      resolve("idle");
    };
    if (sleep && this.#front) looking = setTimeout(look, sleep.afterMs);
    try {
      return await promise;
    } finally {
      clearInterval(asking);
      clearTimeout(looking);
      this.#stop.signal.removeEventListener("abort", stop);
    }
  }

  /** Waits for a request, or for the end. */
  async #untilNeeded(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (this.#stop.signal.aborted) resolve();
      else this.#stop.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([this.#wake.promise, stopped]);
    if (!this.#stop.signal.aborted) this.#change("waking", undefined);
  }

  #change(state: InstanceState, running: RunningFunction | undefined): void {
    const before = this.url;
    this.#state = state;
    if (running) this.#awake.resolve(running.url);
    else if (this.#running) {
      this.#awake = Promise.withResolvers();
      this.#awake.promise.catch(() => {});
      this.#wake = Promise.withResolvers();
    }
    this.#running = running;
    if (this.url !== before) this.#options.onChange();
  }
}

/** Resolves after that time, or when the signal aborts. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
