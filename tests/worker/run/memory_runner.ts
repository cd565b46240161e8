import {
  type FunctionRunner,
  type RunningFunction,
  type RunSpec,
  StartError,
} from "../../../src/worker/run/function_runner.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A running function in memory. */
export class MemoryFunction implements RunningFunction {
  readonly id: string;
  readonly url: string;
  readonly ended: Promise<string>;
  readonly what: string;
  readonly lines = [];
  answers = true;
  readonly #end: (why: string) => void;

  constructor(number: number, { function: name, revision }: RunSpec) {
    this.id = String(number);
    this.url = `http://localhost:${number}`;
    this.what = `${name}/${revision}`;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#end = resolve;
  }

  async isHealthy(): Promise<boolean> {
    await turn();
    return this.answers;
  }

  metrics() {
    return Promise.resolve({ memoryBytes: 1, requests: 0 });
  }

  async stop(): Promise<void> {
    this.crash("it was stopped");
    await this.ended;
  }

  crash(why = "it crashed"): void {
    this.#end(why);
  }
}

/** Runs functions in memory. A start takes a turn of the event loop. */
export class MemoryRunner implements FunctionRunner {
  readonly running = new Set<MemoryFunction>();
  /** After `after` successful starts, `count` starts fail. */
  failures = { after: 0, count: 0 };
  #last = 0;

  async start(spec: RunSpec, signal: AbortSignal): Promise<MemoryFunction> {
    await turn();
    signal.throwIfAborted();
    if (this.failures.count > 0 && this.failures.after-- <= 0) {
      this.failures.count--;
      throw new StartError("START_FAILED", "it is set to fail", ["last words"]);
    }
    const started = new MemoryFunction(++this.#last, spec);
    this.running.add(started);
    started.ended.then(() => this.running.delete(started));
    return started;
  }

  /** Counts the running functions of each revision. */
  count(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { what } of this.running) counts[what] = (counts[what] ?? 0) + 1;
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.running, (each) => each.stop()));
  }
}
