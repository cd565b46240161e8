import { CapsuleError } from "../base/errors.ts";
import { writeOrDrop } from "../base/io.ts";
import type { FromThread, ToThread } from "./http_thread.ts";
import type { Context } from "../base/context.ts";
import { type ServedFunction, serveFunction, type ServeOptions } from "./serve_function.ts";
import type { ThreadFigures } from "./served_module.ts";

const answerMs = 1000; // how long a thread that computes may take to hear what it is told
const restartMs = 1000; // between two starts of a thread that dies again and again

/**
 * Serves on several threads: this one, and workers that share the port and the compiled module. What the workers log comes
 * here, their figures are gathered here, and one that dies is replaced.
 */
export async function serveOnThreads(
  serving: ServeOptions,
  context: Context,
): Promise<ServedFunction> {
  const { log } = context;
  const threads = new Set<Thread>();
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
    const thread = new Thread({ ...serving, port: own.port }, context, { metrics });
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
    // This thread may have nothing left to do while others still answer.
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
      await own.close();
    },
  };
}

/** A worker as this thread sees it. */
class Thread {
  readonly ready: Promise<void>;
  /** Resolves with the reason when the worker is no more. */
  readonly died: Promise<string>;
  readonly #worker: Worker;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #figures: ((figures: ThreadFigures | undefined) => void)[] = [];

  constructor(
    serving: ServeOptions,
    { io, log }: Context,
    { metrics }: { metrics: () => Promise<unknown> },
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
    this.ready.catch(() => {}); // told by `died` when nobody waits for it any more
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
          return writeOrDrop(io[data.stream], data.bytes);
        case "log":
          return log[data.level](data.sentence);
        case "figures":
          return this.#figures.shift()?.(data.figures);
        case "metrics?":
          return this.#tell({ kind: "metrics", id: data.id, metrics: await metrics() });
        case "stopped":
          return this.#stopped.resolve();
      }
    };
    this.#tell({ kind: "serve", serving: { ...serving, metrics: undefined } });
  }

  figures(): Promise<ThreadFigures | undefined> {
    return new Promise((resolve) => {
      const late = setTimeout(() => answer(undefined), answerMs);
      const answer = (figures: ThreadFigures | undefined) => {
        clearTimeout(late);
        resolve(figures);
      };
      this.#figures.push(answer);
      this.#tell({ kind: "figures?" });
    });
  }

  /** Waits for what the thread still does, but not for a guest that keeps it from hearing this. */
  async stop(graceMs: number): Promise<void> {
    this.#tell({ kind: "stop", graceMs });
    const late = setTimeout(this.#stopped.resolve, graceMs + answerMs);
    await this.#stopped.promise;
    clearTimeout(late);
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #tell(message: ToThread): void {
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
    total.rss = Math.max(total.rss, figures.rss); // of the whole process
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
