import { type Timer, unref } from "../../base/timers.ts";
import type { Upstream } from "./upstream.ts";
import { upstreamTarget } from "./upstream_target.ts";

export interface HealthCheckOptions {
  /** Asked for below each upstream's URL; a status below 400 is well. */
  readonly path: string;
  readonly intervalMs: number;
  /** A slower answer is none. */
  readonly timeoutMs: number;
  readonly upstreams: () => Iterable<Upstream>;
}

/** Asks every upstream in turn of the interval how it does; one that does not answer well gets no requests until it does again. */
export class HealthChecks implements AsyncDisposable {
  readonly #options: HealthCheckOptions;
  readonly #timer: Timer;
  readonly #stop = new AbortController();
  #round: Promise<void> | undefined;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
    this.#timer = unref(setInterval(() => this.check(), options.intervalMs));
  }

  /** One round; a round that is still under way is not joined by another. */
  check(): Promise<void> {
    return this.#round ??= this.#check().finally(() => this.#round = undefined);
  }

  async #check(): Promise<void> {
    const { upstreams } = this.#options;
    await Promise.all(
      Array.from(upstreams(), async (upstream) => upstream.checked(await this.#isWell(upstream))),
    );
  }

  async #isWell({ url, basePath }: Upstream): Promise<boolean> {
    const { path, timeoutMs } = this.#options;
    const inTime = new AbortController();
    const timer = setTimeout(() => inTime.abort(), timeoutMs);
    try {
      const asked = new URL(url).origin + upstreamTarget(basePath, path, "");
      const signal = AbortSignal.any([inTime.signal, this.#stop.signal]);
      const response = await fetch(asked, { signal, redirect: "manual" });
      await response.body?.cancel();
      return response.status < 400;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#round;
  }
}
