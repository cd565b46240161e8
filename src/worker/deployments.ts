import { parseDurationMs } from "../base/units.ts";
import { KeyedLock } from "../base/keyed_lock.ts";
import type { Log } from "../base/log.ts";
import { HttpError } from "../server/http_error.ts";
import type { Delays } from "./backoff.ts";
import { type FunctionRunner, StartError } from "./function_runner.ts";
import { type Front, Instance } from "./instance.ts";
import { LogLines } from "./log_lines.ts";
import { type OwnRoutes, routesOf } from "./routes.ts";
import type { Synced } from "./route_keeper.ts";
import { maxInstances, type Wanted, type WantedRevision, withFunction, withRevision } from "./wanted.ts";

/** What is asked for. */
export interface Deployment {
  readonly function: string;
  readonly revision: string;
  readonly downloadUrl: string;
  readonly sha256?: string;
  /** So many more than there are, 1 if not given; with `replace` so many in all, as many as there are if not given. */
  readonly instances?: number;
  /** Takes the place of what is deployed under this name, once it runs. */
  readonly replace?: boolean;
  readonly envVariables?: Readonly<Record<string, string>>;
  readonly idle?: string;
}

/** What became of it. */
export interface Deployed {
  /** Of the instances that were added. */
  readonly urls: readonly string[];
  readonly registration: Synced;
}

/** A revision, named. */
export interface Named {
  readonly function: string;
  readonly revision: string;
}

export interface DeploymentsOptions {
  readonly runner: FunctionRunner;
  readonly modules: {
    path(sha256: string): string;
    fetch(url: string, sha256?: string): Promise<string>;
    keepOnly(digests: ReadonlySet<string>): Promise<void>;
  };
  /** What an earlier process of this worker left. */
  readonly wanted: Wanted;
  /** Keeps what is wanted. Resolves when it is on the disk. */
  readonly save: (wanted: Wanted) => Promise<void>;
  /** Makes the proxy's routes those of `routes()`. */
  readonly sync: () => Promise<Synced>;
  readonly front: (what: Named, wake: () => Promise<string>) => Front;
  readonly delays: Delays;
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  /** How long requests may finish of what is removed. */
  readonly drainMs: number;
  readonly log: Log;
}

/** What runs of a revision. */
export interface RunningRevision {
  readonly instances: readonly Instance[];
  readonly logs: LogLines;
}

interface Entry {
  instances: Instance[];
  readonly logs: LogLines;
}

/** What is deployed and what runs of it. Changes of one function come one after the other. */
export class Deployments {
  readonly #options: DeploymentsOptions;
  readonly #lock = new KeyedLock();
  /** By `function/revision`, which no name can hold. */
  readonly #entries = new Map<string, Entry>();
  #wanted: Wanted;
  /** Deployments under way, whose modules nobody else knows to be needed. */
  #deploying = 0;
  #cleaning: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.#wanted = options.wanted;
  }

  get wanted(): Wanted {
    return this.#wanted;
  }

  /** Starts what is wanted and was not deployed since, in the background. */
  revive(): void {
    if (this.#isStopping) return;
    for (const [name, { revisions }] of this.#wanted) {
      for (const [revision, wanted] of revisions) {
        const what = { function: name, revision };
        const entry = this.#entry(what);
        while (entry.instances.length < wanted.instances) {
          entry.instances.push(Instance.revive(this.#instance(what, wanted, entry.logs)));
        }
      }
    }
    this.#clean();
  }

  /** What the proxy should know. */
  routes(): OwnRoutes {
    if (this.#isStopping) return routesOf(this.#wanted, () => []);
    return routesOf(this.#wanted, (name, revision) => {
      const { instances = [] } = this.#entries.get(`${name}/${revision}`) ?? {};
      return instances.flatMap(({ url }) => url ?? []);
    });
  }

  find({ function: name, revision }: Named): RunningRevision | undefined {
    return this.#entries.get(`${name}/${revision}`);
  }

  /**
   * Fetches, starts, registers; or undoes what it did.
   *
   * @throws HttpError with the step that failed.
   */
  deploy(asked: Deployment): Promise<Deployed> {
    return this.#lock.run(asked.function, async () => {
      this.#assertRunning();
      const known = this.#wanted.get(asked.function)?.revisions.get(asked.revision);
      const like = asked.replace ? undefined : known;
      if (like) assertSame(asked, like);
      const count = asked.instances ?? (asked.replace && known?.instances || 1);
      assertCount((like?.instances ?? 0) + count);
      this.#deploying++;
      try {
        await this.#cleaning;
        const { modules } = this.#options;
        const sha256 = await modules.fetch(asked.downloadUrl, asked.sha256 ?? like?.sha256);
        const { downloadUrl, envVariables = {}, idle } = asked;
        const base = like ?? { downloadUrl, sha256, instances: 0, envVariables, ...(idle && { idle }) };
        return await this.#grow(asked, base, count);
      } finally {
        this.#deploying--;
        this.#clean();
      }
    });
  }

  /**
   * Has as many instances run as asked for.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND`; the step that failed.
   */
  scale(what: Named, instances: number): Promise<Deployed> {
    return this.#lock.run(what.function, async () => {
      this.#assertRunning();
      assertCount(instances);
      const known = this.#needRevision(what);
      const more = instances - known.instances;
      if (more > 0) return await this.#grow(what, known, more);
      const entry = this.#entry(what);
      await this.#save(withRevision(this.#wanted, nameOf(what), { ...known, instances }));
      const leaving = entry.instances.splice(instances);
      const registration = await this.#options.sync();
      this.#end(leaving);
      return { urls: [], registration };
    });
  }

  /**
   * Unregisters a revision, lets it finish, and ends it. Resolves when nothing of it is left.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND`
   */
  async remove(what: Named): Promise<void> {
    const ending = await this.#lock.run(what.function, async () => {
      this.#assertRunning();
      this.#needRevision(what);
      const entry = this.#entry(what);
      await this.#save(withRevision(this.#wanted, nameOf(what), undefined));
      this.#entries.delete(keyOf(what));
      await this.#options.sync();
      return { done: this.#end(entry.instances), logs: entry.logs };
    });
    await ending.done;
    ending.logs.close();
    this.#clean();
    await this.#cleaning;
  }

  /** @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND` */
  setDefault(what: Named): Promise<Synced> {
    return this.#lock.run(what.function, async () => {
      this.#assertRunning();
      this.#needRevision(what);
      const known = this.#needFunction(what.function);
      await this.#save(
        withFunction(this.#wanted, what.function, { ...known, defaultRevision: what.revision }),
      );
      return await this.#options.sync();
    });
  }

  /** @throws HttpError 404 `FUNCTION_NOT_FOUND`, `DEFAULT_REVISION_NOT_FOUND` */
  removeDefault(name: string): Promise<Synced> {
    return this.#lock.run(name, async () => {
      this.#assertRunning();
      const { revisions, defaultRevision } = this.#needFunction(name);
      if (defaultRevision === undefined) {
        throw new HttpError(404, "DEFAULT_REVISION_NOT_FOUND", `${name} has no default revision`);
      }
      await this.#save(withFunction(this.#wanted, name, { revisions }));
      return await this.#options.sync();
    });
  }

  /** Ends all that runs, and changes nothing of what is wanted. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#options.sync();
    await Promise.all(
      Array.from(this.#entries.values(), async ({ instances, logs }) => {
        await Promise.all(instances.map((instance) => instance.stop(graceMs)));
        logs.close();
      }),
    );
    await this.#cleaning;
  }

  /** Starts so many more than the base has; whatever runs and is none of the base's is ended then. */
  async #grow(what: Named, base: WantedRevision, count: number): Promise<Deployed> {
    const entry = this.#entry(what);
    const started = await this.#startAll(what, base, { count, logs: entry.logs });
    try {
      this.#assertRunning();
      const next = { ...base, instances: base.instances + count };
      await this.#save(withRevision(this.#wanted, nameOf(what), next));
    } catch (error) {
      await Promise.all(started.map((instance) => instance.stop(0)));
      this.#forgetEmpty(what);
      throw error;
    }
    const leaving = entry.instances.splice(base.instances);
    entry.instances.push(...started);
    const urls = started.flatMap(({ url }) => url ?? []);
    const registration = await this.#options.sync();
    this.#end(leaving);
    return { urls, registration };
  }

  /** All of them, or none and the reason. */
  async #startAll(
    what: Named,
    wanted: WantedRevision,
    { count, logs }: { count: number; logs: LogLines },
  ): Promise<Instance[]> {
    const started: Instance[] = [];
    const failed = new AbortController();
    let failure: unknown;
    const startOne = async () => {
      try {
        started.push(await Instance.start(this.#instance(what, wanted, logs), failed.signal));
      } catch (error) {
        failure ??= error;
        failed.abort(error);
      }
    };
    await Promise.all(Array.from({ length: count }, startOne));
    if (failure === undefined) return started;
    await Promise.all(started.map((instance) => instance.stop(0)));
    this.#forgetEmpty(what);
    throw failure instanceof StartError ? asAnswer(failure, what) : failure;
  }

  #instance(what: Named, { downloadUrl, sha256, envVariables, idle }: WantedRevision, logs: LogLines) {
    const { runner, modules, front, delays, health, log, sync } = this.#options;
    return {
      runner,
      delays,
      health,
      log,
      spec: {
        function: what.function,
        revision: what.revision,
        variables: envVariables,
        onLine: (line: string, from: string) => logs.add(line, from),
      },
      module: async () => modules.path(await modules.fetch(downloadUrl, sha256)),
      sleep: idle === undefined ? undefined : {
        afterMs: parseDurationMs(idle),
        front: (wake: () => Promise<string>) => front(what, wake),
      },
      onChange: () => void sync(),
    };
  }

  #end(instances: readonly Instance[]): Promise<unknown> {
    return Promise.all(instances.map((instance) => instance.stop(this.#options.drainMs)));
  }

  #entry(what: Named): Entry {
    const key = keyOf(what);
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, entry = { instances: [], logs: new LogLines() });
    return entry;
  }

  /** After a failure of the first of a revision. */
  #forgetEmpty(what: Named): void {
    if (this.#wanted.get(what.function)?.revisions.has(what.revision)) return;
    this.#entries.get(keyOf(what))?.logs.close();
    this.#entries.delete(keyOf(what));
  }

  async #save(wanted: Wanted): Promise<void> {
    const before = this.#wanted;
    this.#wanted = wanted;
    try {
      await this.#options.save(wanted);
    } catch (error) {
      this.#wanted = before;
      throw error;
    }
  }

  /** Removes the modules that nothing needs any more. */
  #clean(): void {
    this.#cleaning = this.#cleaning.then(async () => {
      if (this.#deploying > 0) return;
      const needed = new Set<string>();
      for (const { revisions } of this.#wanted.values()) {
        for (const { sha256 } of revisions.values()) needed.add(sha256);
      }
      await this.#options.modules.keepOnly(needed);
    }).catch((error: unknown) => this.#options.log.warn(`cannot remove old modules: ${String(error)}`));
  }

  #needFunction(name: string) {
    const found = this.#wanted.get(name);
    if (found === undefined) throw new HttpError(404, "FUNCTION_NOT_FOUND", `${name} is not deployed`);
    return found;
  }

  #needRevision({ function: name, revision }: Named): WantedRevision {
    const found = this.#needFunction(name).revisions.get(revision);
    if (found === undefined) {
      throw new HttpError(404, "REVISION_NOT_FOUND", `${revision} of ${name} is not deployed`);
    }
    return found;
  }

  #assertRunning(): void {
    if (this.#isStopping) throw new HttpError(503, "STOPPING", "the worker stops: nothing more is deployed");
  }
}

const keyOf = ({ function: name, revision }: Named): string => `${name}/${revision}`;
const nameOf = ({ function: name, revision }: Named) => ({ name, revision });

function assertCount(instances: number): void {
  if (instances <= maxInstances) return;
  throw new HttpError(
    400,
    "TOO_MANY_INSTANCES",
    `a revision has at most ${maxInstances} instances on a worker: ${instances} were asked for`,
  );
}

/** A revision is what it was deployed as: more of it is more of the same. */
function assertSame(asked: Deployment, known: WantedRevision): void {
  const differs = (what: string, from: string) =>
    new HttpError(
      409,
      "REVISION_DIFFERS",
      `${asked.revision} of ${asked.function} is deployed with another ${what}${from}: deploy another revision, or remove this one first`,
    );
  if (asked.downloadUrl !== known.downloadUrl) throw differs("downloadUrl", ` (${known.downloadUrl})`);
  if (asked.sha256 !== undefined && asked.sha256 !== known.sha256) {
    throw differs("sha256", ` (${known.sha256})`);
  }
  if (asked.idle !== undefined && asked.idle !== known.idle) {
    throw differs("idle", ` (${known.idle ?? "none"})`);
  }
  const names = Object.keys({ ...asked.envVariables, ...known.envVariables });
  const isOther = (name: string) => asked.envVariables?.[name] !== known.envVariables[name];
  const other = asked.envVariables && names.find(isOther);
  if (other !== undefined) throw differs("envVariables", ` (${other})`);
}

function asAnswer(error: StartError, { function: name, revision }: Named): HttpError {
  const step = error.code === "HEALTH_CHECK_FAILED" ? "health" : "start";
  const status = { PORT_TAKEN: 503, HEALTH_CHECK_FAILED: 504 }[error.code] ?? 422;
  // The launcher's own last line is what it reported already.
  const lines = error.lines.filter((line) => !line.endsWith(error.message));
  const last = lines.length === 0 ? "" : `; its last lines:\n${lines.join("\n")}`;
  return new HttpError(status, error.code, `${name}/${revision} cannot be started: ${error.message}${last}`, {
    cause: error,
    more: { step, lines: error.lines },
  });
}
