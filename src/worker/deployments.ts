import { KeyedLock } from "../base/keyed_lock.ts";
import { HttpError } from "../server/http_error.ts";
import {
  assertCount,
  assertSame,
  type DeployRequest,
  type DeployResult,
  type RevisionName,
} from "./deploy_request.ts";
import { type OwnRoutes, routesOf } from "./routes/routes.ts";
import type { SyncResult } from "./routes/route_reconciler.ts";
import { type InstanceContext, RunningRevision } from "./run/running_revision.ts";
import {
  type DesiredFunction,
  type DesiredRevision,
  type DesiredState,
  withFunction,
  withRevision,
} from "./state/desired_state.ts";

/** Options of `Deployments`. */
export interface DeploymentsOptions extends Omit<InstanceContext, "onChange"> {
  /** Desired state that an earlier process of this worker saved. */
  readonly desired: DesiredState;
  /** Saves the desired state. Resolves when it is on the disk. */
  readonly save: (desired: DesiredState) => Promise<void>;
  /** Makes the proxy's routes equal to `routes()`. */
  readonly sync: () => Promise<SyncResult>;
  /** Grace period of the requests to a removed instance. */
  readonly drainMs: number;
}

/** The deployed functions and their instances. Changes of one function are serialised. */
export class Deployments {
  readonly #options: DeploymentsOptions;
  readonly #world: InstanceContext;
  readonly #lock = new KeyedLock();
  /** Keys are `function/revision`; names contain no slash. */
  readonly #running = new Map<string, RunningRevision>();
  /** Removed revisions whose processes have not ended yet. */
  readonly #leaving = new Set<RunningRevision>();
  #desired: DesiredState;
  /** Number of running deployments, whose modules are not in the desired state yet. */
  #deploying = 0;
  #cleaning: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.#world = { ...options, onChange: () => void options.sync() };
    this.#desired = options.desired;
  }

  get desired(): DesiredState {
    return this.#desired;
  }

  /** Starts the instances of the desired state in the background. */
  revive(): void {
    if (this.#isStopping) return;
    for (const [name, { revisions }] of this.#desired) {
      for (const [revision, desired] of revisions) {
        this.#runningOf({ function: name, revision }).revive(desired);
      }
    }
    this.#clean();
  }

  /** Returns the routes that the proxy should have. */
  routes(): OwnRoutes {
    return routesOf(
      this.#desired,
      (name, revision) =>
        this.#isStopping ? [] : this.find({ function: name, revision })?.urls ?? [],
    );
  }

  find(target: RevisionName): RunningRevision | undefined {
    return this.#running.get(keyOf(target));
  }

  /**
   * Downloads the module, starts instances and registers them. A failure leaves nothing behind.
   *
   * @throws HttpError with the step that failed.
   */
  deploy(asked: DeployRequest): Promise<DeployResult> {
    return this.#change(asked.function, async () => {
      const known = this.#desired.get(asked.function)?.revisions.get(asked.revision);
      const like = asked.replace ? undefined : known;
      if (like) assertSame(asked, like);
      const count = asked.instances ?? (asked.replace && known?.instances || 1);
      assertCount((like?.instances ?? 0) + count);
      this.#deploying++;
      try {
        await this.#cleaning;
        const { downloadUrl, envVariables = {}, idle } = asked;
        const sha256 = await this.#options.modules.fetch(downloadUrl, asked.sha256 ?? like?.sha256);
        const base = like ??
          { downloadUrl, sha256, instances: 0, envVariables, ...(idle && { idle }) };
        return await this.#grow(asked, base, count);
      } finally {
        this.#deploying--;
        this.#clean();
      }
    });
  }

  /**
   * Starts or stops instances until a revision has `instances` of them.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND`; the step that failed.
   */
  scale(target: RevisionName, instances: number): Promise<DeployResult> {
    return this.#change(target.function, async () => {
      assertCount(instances);
      const known = this.#desiredRevision(target);
      const more = instances - known.instances;
      if (more > 0) return await this.#grow(target, known, more);
      const running = this.#runningOf(target);
      await this.#saveRevision(target, { ...known, instances });
      const leaving = running.replaceInstances(instances);
      const registration = await this.#options.sync();
      void running.end(leaving, this.#options.drainMs);
      return { urls: [], registration };
    });
  }

  /**
   * Unregisters a revision, lets its requests finish, and ends it. Resolves when all of its
   * processes have ended.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND`
   */
  async remove(target: RevisionName): Promise<void> {
    const running = await this.#change(target.function, async () => {
      this.#desiredRevision(target);
      await this.#saveRevision(target, undefined);
      const removed = this.#runningOf(target);
      this.#running.delete(keyOf(target));
      this.#leaving.add(removed);
      await this.#options.sync();
      return removed;
    });
    // Outside of the lock: a revision of the same name may be deployed meanwhile.
    await running.stop(this.#options.drainMs);
    this.#leaving.delete(running);
    this.#clean();
    await this.#cleaning;
  }

  /**
   * Makes a revision the default of its function.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `REVISION_NOT_FOUND`
   */
  setDefault(target: RevisionName): Promise<SyncResult> {
    return this.#change(target.function, async () => {
      this.#desiredRevision(target);
      const known = this.#desiredFunction(target.function);
      await this.#save(target.function, { ...known, defaultRevision: target.revision });
      return await this.#options.sync();
    });
  }

  /**
   * Leaves a function without a default revision.
   *
   * @throws HttpError 404 `FUNCTION_NOT_FOUND`, `DEFAULT_REVISION_NOT_FOUND`
   */
  removeDefault(name: string): Promise<SyncResult> {
    return this.#change(name, async () => {
      const { revisions, defaultRevision } = this.#desiredFunction(name);
      if (defaultRevision === undefined) {
        throw new HttpError(404, "DEFAULT_REVISION_NOT_FOUND", `${name} has no default revision`);
      }
      await this.#save(name, { revisions });
      return await this.#options.sync();
    });
  }

  /** Ends all instances. The desired state stays. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#options.sync();
    const all = [...this.#running.values(), ...this.#leaving];
    await Promise.all(all.map((running) => running.stop(graceMs)));
    await this.#cleaning;
  }

  /** Starts `count` instances beside those of `base`, and then ends all others. */
  async #grow(target: RevisionName, base: DesiredRevision, count: number): Promise<DeployResult> {
    const running = this.#runningOf(target);
    try {
      const started = await running.start(base, count);
      try {
        this.#assertNotStopping();
        await this.#saveRevision(target, { ...base, instances: base.instances + count });
      } catch (error) {
        await Promise.all(started.map((instance) => instance.stop(0)));
        throw error;
      }
      const leaving = running.replaceInstances(base.instances, started);
      const urls = started.flatMap(({ url }) => url ?? []);
      const registration = await this.#options.sync();
      void running.end(leaving, this.#options.drainMs);
      return { urls, registration };
    } finally {
      // The first deployment of the revision failed.
      if (!this.#desired.get(target.function)?.revisions.has(target.revision)) {
        running.logs.close();
        this.#running.delete(keyOf(target));
      }
    }
  }

  #change<T>(name: string, change: () => Promise<T>): Promise<T> {
    return this.#lock.run(name, () => {
      this.#assertNotStopping();
      return change();
    });
  }

  #runningOf({ function: name, revision }: RevisionName): RunningRevision {
    const target = { function: name, revision };
    let running = this.find(target);
    if (running === undefined) {
      this.#running.set(keyOf(target), running = new RunningRevision(target, this.#world));
    }
    return running;
  }

  #saveRevision(
    { function: name, revision }: RevisionName,
    next: DesiredRevision | undefined,
  ): Promise<void> {
    return this.#save(name, withRevision(this.#desired, { name, revision }, next).get(name));
  }

  async #save(name: string, next: DesiredFunction | undefined): Promise<void> {
    const { save } = this.#options;
    const before = this.#desired.get(name);
    this.#desired = withFunction(this.#desired, name, next);
    try {
      await save(this.#desired);
    } catch (error) {
      // Another function may have saved this change with its own meanwhile.
      this.#desired = withFunction(this.#desired, name, before);
      save(this.#desired).catch(() => {});
      throw error;
    }
  }

  /** Removes the modules that no deployment uses. */
  #clean(): void {
    this.#cleaning = this.#cleaning.then(async () => {
      if (this.#deploying > 0) return;
      const needed = new Set<string>();
      for (const { revisions } of this.#desired.values()) {
        for (const { sha256 } of revisions.values()) needed.add(sha256);
      }
      await this.#options.modules.keepOnly(needed);
    }).catch((error: unknown) =>
      this.#options.log.warn(`cannot remove old modules: ${String(error)}`)
    );
  }

  #desiredFunction(name: string): DesiredFunction {
    const found = this.#desired.get(name);
    if (found === undefined) {
      throw new HttpError(404, "FUNCTION_NOT_FOUND", `${name} is not deployed`);
    }
    return found;
  }

  #desiredRevision({ function: name, revision }: RevisionName): DesiredRevision {
    const found = this.#desiredFunction(name).revisions.get(revision);
    if (found !== undefined) return found;
    throw new HttpError(404, "REVISION_NOT_FOUND", `${revision} of ${name} is not deployed`);
  }

  #assertNotStopping(): void {
    if (this.#isStopping) {
      throw new HttpError(503, "STOPPING", "the worker is stopping and deploys nothing more");
    }
  }
}

const keyOf = ({ function: name, revision }: RevisionName): string => `${name}/${revision}`;
