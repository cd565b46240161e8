import { defaultRevision } from "../../base/function_names.ts";
import type { Routes } from "../routes/routes.ts";
import { type Balance, type Candidate, choose, type SelectionInput } from "./choose.ts";
import { Upstream, type UpstreamContext } from "./upstream.ts";

/** An upstream of a revision, with its weight there. */
class WeightedUpstream implements Candidate {
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

/** The upstreams of a revision. `calls` counts requests for `round-robin`. */
interface RevisionUpstreams {
  readonly weighted: readonly WeightedUpstream[];
  calls: number;
}

interface RoutedFunction {
  readonly revisions: ReadonlyMap<string, RevisionUpstreams>;
  /** The revisions that share the calls without a revision. */
  readonly shares: readonly Candidate[];
  calls: number;
}

/** The result of looking up a function. */
export type Lookup =
  | { readonly kind: "found"; readonly revision: string; readonly upstreams: RevisionUpstreams }
  | { readonly kind: "no-function" }
  | { readonly kind: "no-revision"; readonly revision: string };

/** Maps functions to upstreams. An upstream keeps its connections while routes around it change. */
export class RoutingTable {
  readonly #context: UpstreamContext;
  readonly #balance: Balance;
  readonly #upstreams = new Map<string, Upstream>();
  #functions = new Map<string, RoutedFunction>();

  constructor(context: UpstreamContext, balance: Balance) {
    this.#context = context;
    this.#balance = balance;
  }

  get upstreams(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  /** Replaces the routes; upstreams without a route are retired. */
  update(routes: Routes): void {
    const before = this.#functions;
    const used = new Set<string>();
    const next = new Map<string, RoutedFunction>();
    for (const [name, { revisions, weights }] of routes) {
      const old = before.get(name);
      const mapped = new Map([...revisions].map(([revision, entries]) => {
        const weighted = entries.map(({ url, weight }) => {
          used.add(url);
          return new WeightedUpstream(this.#upstream(url), weight);
        });
        return [revision, { weighted, calls: old?.revisions.get(revision)?.calls ?? 0 }];
      }));
      const shares = [...weights ?? []].filter(([, weight]) => weight > 0)
        .map(([id, weight]) => ({ id, weight, running: 0 }));
      next.set(name, { revisions: mapped, shares, calls: old?.calls ?? 0 });
    }
    this.#functions = next;
    for (const [url, upstream] of this.#upstreams) {
      if (used.has(url)) continue;
      upstream.retire();
      this.#upstreams.delete(url);
    }
  }

  /** Looks up a revision; without one, chooses it by the weights of the function's revisions. */
  find(
    name: string,
    revision: string | undefined,
    input: Omit<SelectionInput, "turn">,
  ): Lookup {
    const found = this.#functions.get(name);
    if (found === undefined) return { kind: "no-function" };
    let chosen = revision;
    if (chosen === undefined && found.shares.length > 0) {
      // A revision's share does not depend on its load.
      const balance = this.#balance === "least-connections" ? "random" : this.#balance;
      chosen = found.shares[choose(found.shares, balance, { ...input, turn: found.calls++ })]?.id;
    }
    chosen ??= defaultRevision;
    const upstreams = found.revisions.get(chosen);
    return upstreams
      ? { kind: "found", revision: chosen, upstreams }
      : { kind: "no-revision", revision: chosen };
  }

  /**
   * Returns the upstream for a request: a healthy one that was not tried, else any that was not
   * tried; undefined if all were.
   */
  pick(
    revision: RevisionUpstreams,
    tried: ReadonlySet<Upstream>,
    input: Omit<SelectionInput, "turn">,
  ): Upstream | undefined {
    let left: readonly WeightedUpstream[] = revision.weighted;
    if (tried.size > 0) left = left.filter(({ upstream }) => !tried.has(upstream));
    if (left.length > 1) {
      const usable = left.filter(({ upstream }) => upstream.usable);
      if (usable.length > 0) left = usable;
    }
    return left[choose(left, this.#balance, { ...input, turn: revision.calls++ })]?.upstream;
  }

  #upstream(url: string): Upstream {
    let upstream = this.#upstreams.get(url);
    if (upstream === undefined) {
      this.#upstreams.set(url, upstream = new Upstream(url, this.#context));
    }
    return upstream;
  }

  /** Closes all idle connections. */
  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.retire();
  }
}
