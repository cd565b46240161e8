import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { CapsuleError } from "../../src/base/errors.ts";
import { adminApi } from "../../src/proxy/admin/admin_api.ts";
import { ProxyClient } from "../../src/proxy/admin/client.ts";
import { MemoryTable } from "../../src/proxy/routes/memory_table.ts";
import { listRoutes } from "../../src/proxy/routes/routes.ts";
import { adminGuard } from "../../src/server/admin_guard.ts";
import { Deployments } from "../../src/worker/deployments.ts";
import { RouteReconciler } from "../../src/worker/routes/route_reconciler.ts";
import type { WorkerState } from "../../src/worker/state/state_file.ts";
import { silentLog } from "../proxy/silent_log.ts";
import { until } from "../testing/platform.ts";
import { MemoryRunner } from "./run/memory_runner.ts";

/**
 * A worker with functions in memory and a real routing table; `restart` keeps what survives a kill.
 */
class World {
  readonly runner = new MemoryRunner();
  readonly table = new MemoryTable(new Map());
  proxyIsAway = false;
  /** Number of the next changes that cannot be saved. */
  fullDisks = 0;
  state: WorkerState = { desired: new Map(), routes: new Map() };
  deployments!: Deployments;
  keeper!: RouteReconciler;
  readonly #modules = new Set<string>();

  constructor() {
    this.#open();
  }

  #open(): void {
    const log = silentLog;
    const guard = adminGuard({ host: "127.0.0.1" });
    const app = adminApi(this.table, { backend: "memory", guard, log });
    const client = new ProxyClient({
      url: "http://localhost:8888",
      backend: "memory",
      fetch: (input, init) =>
        this.proxyIsAway
          ? Promise.reject(new TypeError("away"))
          : Promise.resolve(app.fetch(new Request(input, init))),
    });
    let isOld = false;
    const save = (part: Partial<WorkerState>) => {
      // A killed process writes nothing.
      if (isOld) return Promise.resolve();
      if (part.desired && this.fullDisks > 0) {
        this.fullDisks--;
        return Promise.reject(new CapsuleError("STATE", "the disk is full"));
      }
      this.state = { ...this.state, ...part };
      return Promise.resolve();
    };
    const deployments: Deployments = new Deployments({
      runner: this.runner,
      modules: {
        path: (sha256) => sha256,
        fetch: (url) => {
          this.#modules.add(url);
          return Promise.resolve(url);
        },
        keepOnly: (digests) => {
          for (const each of this.#modules) if (!digests.has(each)) this.#modules.delete(each);
          return Promise.resolve();
        },
      },
      desired: this.state.desired,
      save: (desired) => save({ desired }),
      sync: () => keeper.sync(),
      activator: () => {
        throw new Error("nothing sleeps here");
      },
      delays: { firstMs: 1, longestMs: 4, forgetMs: 1000 },
      health: { intervalMs: 60_000, timeoutMs: 1000 },
      drainMs: 1,
      log,
    });
    const keeper = new RouteReconciler({
      client,
      owned: this.state.routes,
      desired: () => deployments.routes(),
      save: (routes) => save({ routes }),
      intervalMs: 10,
      log,
    });
    this.deployments = deployments;
    this.keeper = keeper;
    this.kill = async () => {
      isOld = true;
      await keeper[Symbol.asyncDispose]();
      // Its functions end with it.
      await deployments.stop(0);
    };
    deployments.revive();
    keeper.sync();
  }

  kill: () => Promise<void> = () => Promise.resolve();

  async restart(): Promise<void> {
    const { proxyIsAway } = this;
    this.proxyIsAway = true;
    await this.kill();
    this.proxyIsAway = proxyIsAway;
    this.#open();
  }

  /** Returns the state that is expected once all has settled. */
  expected() {
    const counts: Record<string, number> = {};
    for (const [name, { revisions }] of this.deployments.desired) {
      for (const [revision, { instances }] of revisions) {
        if (instances > 0) counts[`${name}/${revision}`] = instances;
      }
    }
    return counts;
  }

  expectedRoutes() {
    const urls = (what: string) =>
      Array.from(this.runner.running).filter((each) => each.what === what).map(({ url }) => url)
        .sort();
    const routes: Record<string, Record<string, string[]>> = {};
    for (const [name, { revisions, defaultRevision }] of this.deployments.desired) {
      const own = Object.fromEntries(
        Array.from(revisions.keys(), (each) => [each, urls(`${name}/${each}`)]),
      );
      if (defaultRevision !== undefined) own.default = urls(`${name}/${defaultRevision}`);
      // The proxy does not know a revision that never had a URL.
      const known = Object.entries(own).filter(([, list]) => list.length > 0);
      if (known.length > 0) routes[name] = Object.fromEntries(known);
    }
    return routes;
  }

  /** Returns the proxy's routes without empty revisions. */
  routes() {
    const routes: Record<string, Record<string, string[]>> = {};
    for (const [name, revisions] of Object.entries(listRoutes(this.table.routes))) {
      const full = Object.entries(revisions).filter(([, list]) => list.length > 0);
      if (full.length > 0) {
        routes[name] = Object.fromEntries(
          full.map(([revision, list]) => [revision, list.toSorted()]),
        );
      }
    }
    return routes;
  }

  async settled(): Promise<void> {
    await until(
      () =>
        Promise.resolve({
          is: { runs: this.runner.count(), routes: this.routes() },
          should: { runs: this.expected(), routes: this.expectedRoutes() },
        }),
      ({ is, should }) => isDeepStrictEqual(is, should),
    );
  }
}

const name = fc.constantFrom("f", "g");
const revision = fc.constantFrom("blue", "green", "default");
const count = fc.integer({ min: 1, max: 3 });
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("deploy" as const), name, revision, count }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("replace" as const), name, revision, count }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("scale" as const), name, revision, count: fc.nat(3) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), name, revision }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("default" as const), name, revision }) },
  fc.record({ kind: fc.constant("no-default" as const), name }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("crash" as const), which: fc.nat() }) },
  fc.record({ kind: fc.constant("fail" as const), after: fc.nat(3), count }),
  fc.record({ kind: fc.constant("proxy" as const), isAway: fc.boolean() }),
  fc.record({ kind: fc.constant("proxy-forgets" as const) }),
  fc.record({ kind: fc.constant("full-disk" as const), count }),
  fc.record({ kind: fc.constant("restart" as const) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** The model: function → revision → instances, and the default revision. */
class Model {
  readonly functions = new Map<string, { revisions: Map<string, number>; chosen?: string }>();

  /** The error code or success that is required; `undefined` allows either. */
  apply(given: Command): string | undefined {
    switch (given.kind) {
      case "deploy":
      case "replace": {
        const known = this.functions.get(given.name) ?? { revisions: new Map() };
        const before = given.kind === "replace" ? 0 : known.revisions.get(given.revision) ?? 0;
        known.revisions.set(given.revision, before + given.count);
        this.functions.set(given.name, known);
        return "ok";
      }
      case "no-default": {
        const known = this.functions.get(given.name);
        if (!known) return "FUNCTION_NOT_FOUND";
        if (known.chosen === undefined) return "DEFAULT_REVISION_NOT_FOUND";
        delete known.chosen;
        return "ok";
      }
      case "scale":
      case "remove":
      case "default": {
        const known = this.functions.get(given.name);
        if (!known) return "FUNCTION_NOT_FOUND";
        if (!known.revisions.has(given.revision)) return "REVISION_NOT_FOUND";
        if (given.kind === "scale") known.revisions.set(given.revision, given.count);
        else if (given.kind === "default") known.chosen = given.revision;
        else {
          known.revisions.delete(given.revision);
          if (known.chosen === given.revision) delete known.chosen;
          if (known.revisions.size === 0) this.functions.delete(given.name);
        }
        return "ok";
      }
      default:
        return undefined;
    }
  }

  plain() {
    return new Map(
      Array.from(this.functions, ([name, { revisions, chosen }]) => [name, { revisions, chosen }]),
    );
  }
}

const plainOf = ({ deployments }: World) =>
  new Map(Array.from(deployments.desired, ([name, { revisions, defaultRevision }]) => [name, {
    revisions: new Map(Array.from(revisions, ([revision, { instances }]) => [revision, instances])),
    chosen: defaultRevision,
  }]));

function run(world: World, given: Command): Promise<unknown> {
  const { deployments, runner } = world;
  switch (given.kind) {
    case "deploy":
    case "replace": {
      const { name, revision, count: instances } = given;
      return deployments.deploy({
        replace: given.kind === "replace",
        function: name,
        revision,
        instances,
        downloadUrl: `http://${name}/${revision}`,
      });
    }
    case "scale":
      return deployments.scale({ function: given.name, revision: given.revision }, given.count);
    case "remove":
      return deployments.remove({ function: given.name, revision: given.revision });
    case "default":
      return deployments.setDefault({ function: given.name, revision: given.revision });
    case "no-default":
      return deployments.removeDefault(given.name);
    case "crash": {
      const running = [...runner.running];
      running[given.which % Math.max(1, running.length)]?.crash();
      return Promise.resolve();
    }
    case "fail":
      runner.failures = { after: given.after, count: given.count };
      return Promise.resolve();
    case "proxy":
      world.proxyIsAway = given.isAway;
      return Promise.resolve();
    case "full-disk":
      world.fullDisks = given.count;
      return Promise.resolve();
    case "proxy-forgets":
      return world.table.change({ kind: "reload", before: world.table.routes, after: new Map() });
    case "restart":
      return world.restart();
    case "settle":
      world.proxyIsAway = false;
      return world.settled();
  }
}

const codeOf = (done: Promise<unknown>) =>
  done.then(() => "ok", (error: unknown) => {
    assert.ok(error instanceof CapsuleError, String(error));
    return error.code;
  });

async function empty(world: World): Promise<void> {
  world.proxyIsAway = false;
  world.fullDisks = 0;
  for (const [name, { revisions }] of world.deployments.desired) {
    for (const revision of revisions.keys()) {
      await world.deployments.remove({ function: name, revision });
    }
  }
  await world.settled();
  await until(
    () => Promise.resolve(listRoutes(world.table.routes)),
    (routes) => Object.keys(routes).length === 0,
  );
  await until(() => Promise.resolve(world.state.routes.size), (size) => size === 0);
  assert.equal(world.runner.running.size, 0);
  assert.equal(world.state.desired.size, 0);
}

Deno.test("worker: any sequence of commands, crashes and restarts converges", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (commands) => {
      const world = new World();
      const model = new Model();
      for (const given of commands) {
        const failures = world.runner.failures.count;
        const { fullDisks } = world;
        const code = await codeOf(run(world, given));
        if (code === "STATE" && fullDisks > 0) continue;
        // A failed start undoes everything; restarts and crashes may use up the failures.
        if (
          code === "START_FAILED" && failures > 0 &&
          ["deploy", "replace", "scale"].includes(given.kind)
        ) {
          continue;
        }
        const expected = model.apply(given);
        if (expected !== undefined) assert.equal(code, expected, JSON.stringify(given));
        assert.deepEqual(plainOf(world), model.plain(), JSON.stringify(given));
      }
      world.proxyIsAway = false;
      await world.settled();
      await empty(world);
      await world.kill();
    }),
    { numRuns: Deno.env.has("CAPSULE_TEST_FULL") ? 500 : 40, endOnFailure: true },
  );
});

Deno.test("worker: concurrent commands converge to a requested state", async () => {
  const together = command.filter(({ kind }) => !["restart", "settle"].includes(kind));
  await fc.assert(
    fc.asyncProperty(fc.array(together, { maxLength: 20 }), async (commands) => {
      const world = new World();
      await Promise.all(commands.map((given) => codeOf(run(world, given))));
      world.proxyIsAway = false;
      await world.settled();
      await empty(world);
      await world.kill();
    }),
    { numRuns: Deno.env.has("CAPSULE_TEST_FULL") ? 500 : 40, endOnFailure: true },
  );
});
