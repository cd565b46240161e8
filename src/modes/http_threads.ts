import { deadline } from "../base/deadline.ts";
import { CapsuleError } from "../base/errors.ts";
import { BatchedOutput } from "../base/batched_output.ts";
import { droppedLine } from "../base/log.ts";
import type { FromThread, ToThread } from "./http_thread.ts";
import type { Context } from "../base/context.ts";
import { type ServedFunction, serveFunction, type ServeOptions } from "./serve_function.ts";
import type { ThreadFigures } from "./served_module.ts";

/** Timeout for a reply of a thread, which may be computing. */
const replyMs = 1000;
/** Pause before a thread that died is replaced. */
const restartMs = 1000;

/**
 * Serves on several threads: this one, and workers that share the port and the compiled module.
 * Their output and their metrics are collected here, and a worker that dies is replaced.
 */
export async function serveOnThreads(
  serving: ServeOptions,
  context: Context,
): Promise<ServedFunction> {
  const { io, log } = context;
  const threads = new Set<Thread>();
  const outputOptions = { droppedLine: (bytes: number) => droppedLine(serving.options.log, bytes) };
  const outputs: ThreadOutputs = {
    stdout: new BatchedOutput(io.stdout, outputOptions),
    stderr: new BatchedOutput(io.stderr, outputOptions),
  };
  const metrics = async () => {
    const figures = [
      own.figures(),
      ...await Promise.all([...threads].map((thread) => thread.figures())),
    ];
    return { ...sum(figures.filter((each) => each !== undefined)), threads: figures };
  };
  const own = await serveFunction({ ...serving, reusePort: "first", metrics }, context);
  let stopping = false;
  const isReplaced = () => log.info("another thread serves in its place");

  const start = async (): Promise<void> => {
    const thread = new Thread({ ...serving, port: own.port }, context, { metrics, outputs });
    threads.add(thread);
    thread.died.then((reason) => {
      threads.delete(thread);
      if (stopping) return;
      log.warn(`a thread died and is replaced: ${reason}`);
      setTimeout(() => stopping || start().then(isReplaced, () => {}), restartMs);
    });
    await thread.ready;
  };
  try {
    await Promise.all(Array.from({ length: serving.options.threads - 1 }, start));
  } catch (error) {
    stopping = true;
    for (const thread of threads) thread.terminate();
    await own.stop(0);
    await own.close();
    throw error;
  }

  let stopped: Promise<unknown> | undefined;
  return {
    ...own,
    // Other threads may have calls under way when this one has none.
    finished: own.finished.then(async () => void await stopped),
    async stop(graceMs) {
      stopping = true;
      stopped = Promise.all([
        own.stop(graceMs),
        ...[...threads].map((thread) => thread.stop(graceMs)),
      ]);
      await stopped;
    },
    async close() {
      for (const thread of threads) thread.terminate();
      await Promise.all([own.close(), outputs.stdout.close(), outputs.stderr.close()]);
    },
  };
}

/** The outputs of all threads but the main one. */
type ThreadOutputs = Readonly<Record<"stdout" | "stderr", BatchedOutput>>;

/** The main thread's side of a worker. */
class Thread {
  readonly ready: Promise<void>;
  /** Resolves with the reason when the worker has ended. */
  readonly died: Promise<string>;
  readonly #worker: Worker;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #figures: ((figures: ThreadFigures | undefined) => void)[] = [];

  constructor(
    serving: ServeOptions,
    { log }: Context,
    { metrics, outputs }: { metrics: () => Promise<unknown>; outputs: ThreadOutputs },
  ) {
    this.#worker = new Worker(new URL("./http_thread.ts", import.meta.url), { type: "module" });
    const ready = Promise.withResolvers<void>();
    const died = Promise.withResolvers<string>();
    this.ready = ready.promise;
    this.died = died.promise;
    const end = (reason: string) => {
      this.#worker.terminate();
      ready.reject(new CapsuleError("THREAD", `a thread cannot serve: ${reason}`));
      died.resolve(reason);
      this.#stopped.resolve();
      for (const answer of this.#figures.splice(0)) answer(undefined);
    };
    this.ready.catch(() => {}); // `died` has the reason, too
    this.#worker.onerror = (event) => {
      event.preventDefault();
      end(event.message);
    };
    this.#worker.onmessage = async ({ data }: MessageEvent<FromThread>) => {
      switch (data.kind) {
        case "ready":
          return ready.resolve();
        case "failed":
          return end(data.message);
        case "output":
          return outputs[data.stream].write(data.bytes);
        case "log":
          return log[data.level](data.sentence);
        case "figures":
          return this.#figures.shift()?.(data.figures);
        case "metrics?":
          return this.#send({ kind: "metrics", id: data.id, metrics: await metrics() });
        case "stopped":
          return this.#stopped.resolve();
      }
    };
    this.#send({ kind: "serve", serving: { ...serving, metrics: undefined } });
  }

  /** Returns the figures of the thread; `undefined` if it does not reply in time. */
  async figures(): Promise<ThreadFigures | undefined> {
    const { promise, resolve } = Promise.withResolvers<ThreadFigures | undefined>();
    // The thread replies in order: a late reply still takes its own place.
    this.#figures.push(resolve);
    this.#send({ kind: "figures?" });
    return await deadline(promise, replyMs).catch(() => undefined);
  }

  /** Waits for the thread's calls, but not for a guest that blocks the thread. */
  async stop(graceMs: number): Promise<void> {
    this.#send({ kind: "stop", graceMs });
    await deadline(this.#stopped.promise, graceMs + replyMs).catch(() => {});
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

function sum(all: ThreadFigures[]): ThreadFigures {
  const total = {
    rss: 0,
    heapTotal: 0,
    heapUsed: 0,
    external: 0,
    instances: 0,
    busy: 0,
    queued: 0,
    requests: 0,
  };
  for (const figures of all) {
    total.rss = Math.max(total.rss, figures.rss); // that of the process
    for (
      const key of [
        "heapTotal",
        "heapUsed",
        "external",
        "instances",
        "busy",
        "queued",
        "requests",
      ] as const
    ) {
      total[key] += figures[key];
    }
  }
  return total;
}
