import { StartError } from "./function_runner.ts";

const maxPort = 65535;

/**
 * Allocates ports for functions, round robin above a counter, so that a released port is reused as
 * late as possible.
 */
export class Ports {
  readonly #counter: number;
  readonly #host: string;
  #last: number;
  readonly #held = new Set<number>();
  readonly #isRouted: (port: number) => boolean;

  /**
   * @param counter ports are above it; 0 lets the system choose.
   * @param isRouted reports whether the proxy may still send requests to a port's earlier function.
   */
  constructor(counter: number, host: string, isRouted: (port: number) => boolean = () => false) {
    this.#counter = this.#last = counter;
    this.#host = host;
    this.#isRouted = isRouted;
  }

  /**
   * Returns a free port, which stays allocated until `release`; 0 if the system chooses.
   *
   * @throws StartError `PORT_TAKEN`
   */
  take(): number {
    if (this.#counter === 0) return 0;
    const count = maxPort - this.#counter;
    for (let tried = 0; tried < count; tried++) {
      this.#last = this.#last === maxPort ? this.#counter + 1 : this.#last + 1;
      if (this.#held.has(this.#last) || this.#isRouted(this.#last) || !this.#isFree(this.#last)) {
        continue;
      }
      this.#held.add(this.#last);
      return this.#last;
    }
    throw new StartError(
      "PORT_TAKEN",
      `every port from ${
        this.#counter + 1
      } to ${maxPort} is taken (-httpPortCounter=${this.#counter})`,
    );
  }

  release(port: number): void {
    this.#held.delete(port);
  }

  #isFree(port: number): boolean {
    try {
      Deno.listen({ hostname: this.#host, port }).close();
      return true;
    } catch {
      return false;
    }
  }
}
