import { CapsuleError } from "../../base/errors.ts";

/** A function to start. */
export interface RunSpec {
  readonly function: string;
  readonly revision: string;
  /** Path of the module's file, which does not change while it is deployed. */
  readonly module: string;
  /** Environment variables of the deployment. */
  readonly variables: Readonly<Record<string, string>>;
  /** True if only the worker connects to it, and not the proxy. */
  readonly local: boolean;
  /** Called with each line of its standard output and standard error. */
  readonly onLine: (line: string, from: RunningFunction["id"]) => void;
}

/** Runs functions, for example as processes of this machine. */
export interface FunctionRunner extends AsyncDisposable {
  /**
   * Starts a function, and resolves when it serves. A failure or an abort leaves nothing behind.
   *
   * @throws StartError when it cannot serve; the signal's reason.
   */
  start(spec: RunSpec, signal: AbortSignal): Promise<RunningFunction>;
}

/** A started function. */
export interface RunningFunction {
  /** The process id. */
  readonly id: string;
  /** The last lines that it wrote. */
  readonly lines: readonly string[];
  /** The URL that it serves. */
  readonly url: string;
  /** Resolves with the reason when it has ended and was cleaned up. Never rejects. */
  readonly ended: Promise<string>;
  /** Reports whether it passes its health check in time. */
  isHealthy(timeoutMs: number): Promise<boolean>;
  /** Returns its metrics; `undefined` if it does not report them in time. */
  metrics(timeoutMs: number): Promise<FunctionMetrics | undefined>;
  /**
   * Ends it after at most `graceMs` for running requests; 0 kills it. A later call may shorten the
   * grace period.
   */
  stop(graceMs: number): Promise<void>;
}

/** Metrics of a running function. */
export interface FunctionMetrics {
  readonly memoryBytes: number;
  /** Requests since its start. */
  readonly requests: number;
}

/** A failed start of a function. */
export class StartError extends CapsuleError {
  /** The last lines that it wrote. */
  readonly lines: readonly string[];

  constructor(
    code: "PORT_TAKEN" | "START_FAILED" | "HEALTH_CHECK_FAILED",
    message: string,
    lines: readonly string[] = [],
  ) {
    super(code, message);
    this.name = "StartError";
    this.lines = lines;
  }
}
