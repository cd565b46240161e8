import { withDeadline } from "../../base/deadline.ts";
import { directFetch } from "../../base/http_fetch.ts";
import { type Timer, unref } from "../../base/timers.ts";
import { type Upstream, upstreamTarget } from "./upstream.ts";

/** Options of `HealthChecks`. */
export interface HealthCheckOptions {
  /** The path below each upstream's URL; a status below 400 is healthy. */
  readonly path: string;
  readonly intervalMs: number;
  /** A slower response is a failure. */
  readonly timeoutMs: number;
  readonly upstreams: () => Iterable<Upstream>;
}

/** Health-checks every upstream once per interval; an unhealthy one receives no requests. */
export class HealthChecks implements AsyncDisposable {
  readonly #options: HealthCheckOptions;
  readonly #timer: Timer;
  readonly #stop = new AbortController();
  #round: Promise<void> | undefined;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
    this.#timer = unref(setInterval(() => this.check(), options.intervalMs));
  }

  /** Checks all upstreams once. Resolves with the round that is under way, if one is. */
  check(): Promise<void> {
    return this.#round ??= this.#check().finally(() => this.#round = undefined);
  }

  async #check(): Promise<void> {
    const { upstreams } = this.#options;
    await Promise.all(
      Array.from(
        upstreams(),
        async (upstream) => upstream.checked(await this.#isHealthy(upstream)),
      ),
    );
  }

  async #isHealthy({ url, basePath }: Upstream): Promise<boolean> {
    const { path, timeoutMs } = this.#options;
    try {
      const target = new URL(url).origin + upstreamTarget(basePath, path, "");
      return await withDeadline(timeoutMs, async (signal) => {
        const response = await directFetch(target, { signal, redirect: "manual" });
        await response.body?.cancel();
        return response.status < 400;
      }, this.#stop.signal);
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#round;
  }
}
