import type { Log } from "../../base/log.ts";
import { parseDurationMs } from "../../base/units.ts";
import { HttpError } from "../../server/http_error.ts";
import type { RestartDelays } from "./instance_state.ts";
import type { RevisionName } from "../deploy_request.ts";
import { type FunctionRunner, StartError } from "./function_runner.ts";
import { FunctionInstance, type InstanceActivator, type InstanceOptions } from "./instance.ts";
import { LogLines } from "./log_lines.ts";
import type { DesiredRevision } from "../state/desired_state.ts";

/** A store of modules by digest. */
export interface ModuleStore {
  path(sha256: string): string;
  fetch(url: string, sha256?: string): Promise<string>;
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

/** Options that the instances of all revisions share. */
export interface InstanceContext {
  readonly runner: FunctionRunner;
  readonly modules: ModuleStore;
  readonly activator: (target: RevisionName, wake: () => Promise<string>) => InstanceActivator;
  readonly delays: RestartDelays;
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly log: Log;
  /** Called when a URL was added or removed. */
  readonly onChange: () => void;
}

/** The instances of a revision, and their log. */
export class RunningRevision {
  readonly logs = new LogLines();
  instances: readonly FunctionInstance[] = [];
  readonly #target: RevisionName;
  readonly #world: InstanceContext;
  /** Instances that are being stopped. */
  readonly #leaving = new Set<FunctionInstance>();

  constructor(target: RevisionName, world: InstanceContext) {
    this.#target = target;
    this.#world = world;
  }

  get urls(): string[] {
    return this.instances.flatMap(({ url }) => url ?? []);
  }

  /**
   * Starts `count` instances and waits until all are healthy. `replaceInstances` adds them.
   *
   * @throws HttpError when one cannot be started; then all are stopped.
   */
  async start(desired: DesiredRevision, count: number): Promise<readonly FunctionInstance[]> {
    const started: FunctionInstance[] = [];
    const failed = new AbortController();
    let failure: unknown;
    const startOne = async () => {
      try {
        started.push(await FunctionInstance.start(this.#optionsOf(desired), failed.signal));
      } catch (error) {
        failure ??= error;
        failed.abort(error);
      }
    };
    await Promise.all(Array.from({ length: count }, startOne));
    if (failure === undefined) return started;
    await Promise.all(started.map((instance) => instance.stop(0)));
    throw failure instanceof StartError ? startFailure(failure, this.#target) : failure;
  }

  /** Restores the missing instances of a revision after a restart of the worker. */
  revive(desired: DesiredRevision): void {
    const missing = Math.max(0, desired.instances - this.instances.length);
    const revived = Array.from(
      { length: missing },
      () => FunctionInstance.revive(this.#optionsOf(desired)),
    );
    this.instances = [...this.instances, ...revived];
  }

  /** Keeps the first `kept` instances and adds others; returns the removed ones. */
  replaceInstances(
    kept: number,
    added: readonly FunctionInstance[] = [],
  ): readonly FunctionInstance[] {
    const leaving = this.instances.slice(kept);
    this.instances = [...this.instances.slice(0, kept), ...added];
    return leaving;
  }

  /** Stops removed instances. Their URLs must be out of the proxy. */
  async end(leaving: readonly FunctionInstance[], graceMs: number): Promise<void> {
    await Promise.all(leaving.map(async (instance) => {
      this.#leaving.add(instance);
      await instance.stop(graceMs);
      this.#leaving.delete(instance);
    }));
  }

  /** Stops all instances, including those that are being stopped already. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all(
      Array.from([...this.instances, ...this.#leaving], (each) => each.stop(graceMs)),
    );
    this.logs.close();
  }

  #optionsOf({ downloadUrl, sha256, envVariables, idle }: DesiredRevision): InstanceOptions {
    const { runner, modules, activator, delays, health, log, onChange } = this.#world;
    return {
      runner,
      delays,
      health,
      log,
      onChange,
      spec: {
        ...this.#target,
        variables: envVariables,
        onLine: (line, from) => this.logs.add(line, from),
      },
      module: async () => modules.path(await modules.fetch(downloadUrl, sha256)),
      sleep: idle === undefined ? undefined : {
        afterMs: parseDurationMs(idle),
        activator: (wake) => activator(this.#target, wake),
      },
    };
  }
}

function startFailure(error: StartError, { function: name, revision }: RevisionName): HttpError {
  const step = error.code === "HEALTH_CHECK_FAILED" ? "health" : "start";
  const status = { PORT_TAKEN: 503, HEALTH_CHECK_FAILED: 504 }[error.code] ?? 422;
  // The launcher writes its message as its last line, too.
  const lines = error.lines.filter((line) => !line.endsWith(error.message));
  const last = lines.length === 0 ? "" : `; its last lines:\n${lines.join("\n")}`;
  return new HttpError(
    status,
    error.code,
    `${name}/${revision} cannot be started: ${error.message}${last}`,
    {
      cause: error,
      more: { step, lines: error.lines },
    },
  );
}
