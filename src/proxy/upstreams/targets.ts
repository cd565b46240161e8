import { defaultRevision } from "../../base/function_names.ts";
import type { Routes } from "../routes/routes.ts";
import type { Balance, Chance, Choice } from "./choose.ts";
import { choose } from "./choose.ts";
import { Upstream, type UpstreamWorld } from "./upstream.ts";

/** An upstream as one of a revision's. */
export class Target implements Choice {
  readonly upstream: Upstream;
  readonly weight: number;

  constructor(upstream: Upstream, weight: number) {
    this.upstream = upstream;
    this.weight = weight;
  }

  get id(): string {
    return this.upstream.url;
  }

  get running(): number {
    return this.upstream.running;
  }
}

interface RevisionTargets {
  readonly targets: readonly Target[];
  turn: number;
}

interface FunctionTargets {
  readonly revisions: ReadonlyMap<string, RevisionTargets>;
  /** Who shares the calls that name no revision. */
  readonly shares: readonly (Choice & { readonly id: string })[];
  turn: number;
}

/** Where a request may go. */
export type Found =
  | { readonly kind: "found"; readonly revision: string; readonly targets: RevisionTargets }
  | { readonly kind: "no-function" }
  | { readonly kind: "no-revision"; readonly revision: string };

/** The routes with the upstreams behind them, which live on while routes change around them. */
export class Targets {
  readonly #world: UpstreamWorld;
  readonly #balance: Balance;
  readonly #upstreams = new Map<string, Upstream>();
  #functions = new Map<string, FunctionTargets>();

  constructor(world: UpstreamWorld, balance: Balance) {
    this.#world = world;
    this.#balance = balance;
  }

  get upstreams(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  /** From now on requests go by these routes. */
  update(routes: Routes): void {
    const before = this.#functions;
    const used = new Set<string>();
    const next = new Map<string, FunctionTargets>();
    for (const [name, { revisions, weights }] of routes) {
      const old = before.get(name);
      const mapped = new Map([...revisions].map(([revision, entries]) => {
        const targets = entries.map(({ url, weight }) => {
          used.add(url);
          return new Target(this.#upstream(url), weight);
        });
        return [revision, { targets, turn: old?.revisions.get(revision)?.turn ?? 0 }];
      }));
      const shares = [...weights ?? []].filter(([, weight]) => weight > 0)
        .map(([id, weight]) => ({ id, weight, running: 0 }));
      next.set(name, { revisions: mapped, shares, turn: old?.turn ?? 0 });
    }
    this.#functions = next;
    for (const [url, upstream] of this.#upstreams) {
      if (used.has(url)) continue;
      upstream.retire();
      this.#upstreams.delete(url);
    }
  }

  /** The upstreams of a revision; without a revision, of the one whose turn it is. */
  find(name: string, revision: string | undefined, random: number, key: string): Found {
    const found = this.#functions.get(name);
    if (found === undefined) return { kind: "no-function" };
    let chosen = revision;
    if (chosen === undefined && found.shares.length > 0) {
      // How busy a revision is says nothing of its share.
      const balance = this.#balance === "least-connections" ? "random" : this.#balance;
      chosen = found.shares[choose(found.shares, balance, { random, turn: found.turn++, key })]?.id;
    }
    chosen ??= defaultRevision;
    const targets = found.revisions.get(chosen);
    return targets
      ? { kind: "found", revision: chosen, targets }
      : { kind: "no-revision", revision: chosen };
  }

  /**
   * Who of them takes the request: one that is well and was not tried; when none is well, any that was not tried; `undefined`
   * when all were.
   */
  pick(
    of: RevisionTargets,
    tried: ReadonlySet<Upstream>,
    chance: Omit<Chance, "turn">,
  ): Upstream | undefined {
    const { targets } = of;
    let left: readonly Target[] = targets;
    if (tried.size > 0) left = targets.filter(({ upstream }) => !tried.has(upstream));
    if (left.length > 1) {
      const well = left.filter(({ upstream }) => upstream.usable);
      if (well.length > 0) left = well;
    }
    return left[choose(left, this.#balance, { ...chance, turn: of.turn++ })]?.upstream;
  }

  #upstream(url: string): Upstream {
    let upstream = this.#upstreams.get(url);
    if (upstream === undefined) this.#upstreams.set(url, upstream = new Upstream(url, this.#world));
    return upstream;
  }

  /** Closes what waits. */
  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.retire();
  }
}
