import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { Env } from "../../base/io.ts";
import { urlHost } from "../../base/hosts.ts";
import { readReport, type Report } from "../../supervision/supervisor.ts";
import { getLocal } from "./get_local.ts";
import { processEnvironment } from "./environment.ts";
import {
  type FunctionMetrics,
  type FunctionRunner,
  type RunningFunction,
  type RunSpec,
  StartError,
} from "./function_runner.ts";
import { eachLine } from "./lines.ts";
import type { Ports } from "./ports.ts";

/** Options of `ProcessRunner`. */
export interface ProcessRunnerOptions {
  /** The launcher and its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** The address that functions listen on. */
  readonly host: string;
  /** The name by which the proxy reaches it. */
  readonly domain: string;
  readonly ports: Ports;
  /** Parent of the processes' working directories, which are empty. */
  readonly folder: string;
  /** `-data` of the functions. */
  readonly data: string;
  readonly env: Env;
  /** Timeout of a process's ready report. */
  readonly startMs: number;
}

/** Attempts to start when another program takes the port first. */
const portTries = 5;
/** More concurrent starts would only delay each other. */
const maxConcurrentStarts = 8;
/** Number of lines in an error message. */
const shownLines = 20;

/** Runs each function as a process of this machine: the launcher in http mode. */
export class ProcessRunner implements FunctionRunner {
  readonly #options: ProcessRunnerOptions;
  readonly #running = new Set<FunctionProcess>();
  #starting = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ProcessRunnerOptions) {
    this.#options = options;
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<RunningFunction> {
    if (this.#starting < maxConcurrentStarts) this.#starting++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#start(spec, signal);
    } finally {
      // The next start takes the slot over.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#starting--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#running, (process) => process.stop(0)));
  }

  async #start(spec: RunSpec, signal: AbortSignal): Promise<RunningFunction> {
    const { ports } = this.#options;
    for (let tries = 1;; tries++) {
      signal.throwIfAborted();
      const port = spec.local ? 0 : ports.take();
      const process = new FunctionProcess(spec, port, this.#options);
      this.#running.add(process);
      process.ended.then(() => {
        ports.release(port);
        this.#running.delete(process);
      });
      try {
        await process.ready(signal);
        return process;
      } catch (error) {
        const isTaken = error instanceof StartError && error.code === "PORT_TAKEN";
        if (!isTaken || tries === portTries) throw error;
      }
    }
  }
}

/** A process of the launcher, from its start until it was cleaned up. */
class FunctionProcess implements RunningFunction {
  readonly ended: Promise<string>;
  readonly lines: string[] = [];
  readonly #spec: RunSpec;
  readonly #options: ProcessRunnerOptions;
  readonly #secret = crypto.randomUUID();
  readonly #report = Promise.withResolvers<Report>();
  #child: Deno.ChildProcess | undefined;
  #isStopping = false;
  #isOver = false;
  #port = 0;
  /** Kills the process at the end of the grace period. */
  #killTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(spec: RunSpec, port: number, options: ProcessRunnerOptions) {
    this.#spec = spec;
    this.#options = options;
    this.ended = this.#run(port);
  }

  get id(): string {
    return String(this.#child?.pid ?? "");
  }

  get url(): string {
    return `http://${urlHost(this.#options.domain)}:${this.#port}`;
  }

  /**
   * Waits for the ready report.
   *
   * @throws StartError, or the signal's reason; then it has ended.
   */
  async ready(signal: AbortSignal): Promise<void> {
    const { startMs } = this.#options;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.stop(0);
    }, startMs);
    const stop = () => this.stop(0);
    signal.addEventListener("abort", stop);
    try {
      const report = await Promise.race([this.#report.promise, this.ended]);
      if (typeof report !== "string" && report.kind === "ready") {
        this.#port = report.port;
        return;
      }
      const why = await this.ended;
      signal.throwIfAborted();
      const lines = [...this.lines];
      if (typeof report !== "string") {
        throw new StartError(
          report.code === "LISTEN" ? "PORT_TAKEN" : "START_FAILED",
          report.message,
          lines,
        );
      }
      const reason = isLate
        ? `the process did not report that it is ready within ${startMs / 1000} s`
        : why;
      throw new StartError("START_FAILED", reason, lines);
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
    }
  }

  async isHealthy(timeoutMs: number): Promise<boolean> {
    return (await getLocal(this.#address, "/health", timeoutMs))?.status === 200;
  }

  async metrics(timeoutMs: number): Promise<FunctionMetrics | undefined> {
    const answer = await getLocal(this.#address, "/host-metrics", timeoutMs);
    try {
      const { rss, requests }: { rss?: unknown; requests?: unknown } = JSON.parse(
        answer?.body ?? "{}",
      );
      return { memoryBytes: Number(rss ?? 0), requests: Number(requests ?? 0) };
    } catch {
      return undefined;
    }
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#killTimer);
    this.#isStopping = true;
    if (!this.#isOver) {
      if (graceMs > 0) {
        this.#signal("SIGTERM");
        this.#killTimer = setTimeout(() => this.#signal("SIGKILL"), graceMs);
      } else this.#signal("SIGKILL");
    }
    await this.ended;
  }

  get #address(): { hostname: string; port: number } {
    const { host } = this.#options;
    const isAny = host === "0.0.0.0" || host === "::";
    return {
      hostname: this.#spec.local || isAny ? "127.0.0.1" : host,
      port: this.#port,
    };
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  /** Runs the process and returns the reason of its end. */
  async #run(port: number): Promise<string> {
    const { command: [program, ...first], host, folder, data, env } = this.#options;
    const { module, variables, local } = this.#spec;
    const cwd = join(folder, crypto.randomUUID());
    try {
      await Deno.mkdir(cwd, { recursive: true, mode: 0o700 });
      if (this.#isStopping) return "it was stopped before it started";
      const child = new Deno.Command(program, {
        args: [
          ...first,
          "-mode=http",
          "-supervised",
          `-wasm=${module}`,
          `-httpPort=${port}`,
          `-host=${local ? "127.0.0.1" : host}`,
          `-data=${data}`,
        ],
        cwd,
        clearEnv: true,
        env: processEnvironment(env, variables),
        // Ctrl-C signals the process group; only the worker must receive it, which stops its
        // functions gracefully.
        detached: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      this.#child = child;
      const reading = [
        eachLine(child.stdout, (line) => this.#onOutput(line)),
        eachLine(child.stderr, (line) => this.#onLine(line)),
      ];
      // Stays open for the life of this process; the child ends when it closes.
      const stdin = child.stdin.getWriter();
      await stdin.write(new TextEncoder().encode(`${this.#secret}\n`)).catch(() => {});
      const status = await child.status;
      this.#isOver = true;
      clearTimeout(this.#killTimer);
      await Promise.all([...reading, stdin.close().catch(() => {})]);
      return status.signal
        ? `the process was ended by ${status.signal}`
        : `the process ended with exit code ${status.code}`;
    } catch (error) {
      return `the process cannot be started: ${messageOf(error)}`;
    } finally {
      this.#isOver = true;
      await Deno.remove(cwd, { recursive: true }).catch(() => {});
    }
  }

  #onOutput(line: string): void {
    const report = readReport(line, this.#secret);
    if (report === undefined) this.#onLine(line);
    else this.#report.resolve(report);
  }

  #onLine(line: string): void {
    this.lines.push(line);
    if (this.lines.length > shownLines) this.lines.shift();
    this.#spec.onLine(line, this.id);
  }
}
