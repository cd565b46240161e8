import type { LoadGenerator, Requests } from "./load.ts";
import type { ServerProcess } from "./processes.ts";

/** Loads a server until it has served a number of requests. */
export class RequestCount {
  #requests = 0;
  readonly #server: ServerProcess;
  readonly #load: LoadGenerator;
  readonly #what: Pick<Requests, "method" | "body">;

  /** @param what the request; a GET by default. */
  constructor(
    server: ServerProcess,
    load: LoadGenerator,
    what: Pick<Requests, "method" | "body"> = { method: "GET" },
  ) {
    this.#server = server;
    this.#load = load;
    this.#what = what;
  }

  /**
   * Sends requests on 32 connections until at least `mark` were served in all.
   *
   * @throws Error if a request fails.
   */
  async reach(mark: number): Promise<void> {
    let perSecond = 0;
    while (this.#requests < mark) {
      const wanted = perSecond > 0 ? (mark - this.#requests) / perSecond : 0.2;
      const loaded = await this.#load.run({
        ...this.#what,
        url: this.#server.url,
        connections: 32,
        seconds: Math.max(0.1, Math.min(wanted, 5)),
      });
      if (loaded.errors > 0) {
        throw new Error(`${loaded.errors} of ${loaded.requests} requests failed`);
      }
      this.#requests += loaded.requests;
      perSecond = loaded.perSecond;
    }
  }
}
