import { CapsuleError } from "../../base/errors.ts";

/** What shall run. */
export interface RunSpec {
  readonly function: string;
  readonly revision: string;
  /** The module's file, which nobody changes while it is deployed. */
  readonly module: string;
  /** The deployment's own environment variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether only the worker itself has to reach it; the proxy does otherwise. */
  readonly local: boolean;
  /** Told each line that it writes, of its standard output and its standard error. */
  readonly onLine: (line: string, from: RunningFunction["id"]) => void;
}

/** How whatever runs functions does it: as processes of this machine, or elsewhere. */
export interface FunctionRunner extends AsyncDisposable {
  /**
   * Starts a function, and resolves when it serves. What was begun is undone when it fails, or when the signal aborts.
   *
   * @throws StartError when it cannot serve; the signal's reason.
   */
  start(spec: RunSpec, signal: AbortSignal): Promise<RunningFunction>;
}

/** A function that was started and serves, until it ends. */
export interface RunningFunction {
  /** A process's number. */
  readonly id: string;
  /** The last ones that it wrote. */
  readonly lines: readonly string[];
  /** Where it serves. */
  readonly url: string;
  /** Resolves with the reason when it has ended, and nothing of it is left. Never rejects. */
  readonly ended: Promise<string>;
  /** Whether it answers its health check in time. */
  isHealthy(timeoutMs: number): Promise<boolean>;
  /** `undefined` when it does not say in time. */
  metrics(timeoutMs: number): Promise<FunctionMetrics | undefined>;
  /** Lets what it serves finish for so long, 0: not at all. Resolves when it has ended. A later call may shorten an earlier one's time. */
  stop(graceMs: number): Promise<void>;
}

/** How a running function does. */
export interface FunctionMetrics {
  readonly memoryBytes: number;
  /** Since it was started. */
  readonly requests: number;
}

/** A function could not be started. `code`: `PORT_TAKEN`, `START_FAILED`, `HEALTH_CHECK_FAILED`. */
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
