import { StartError } from "./function_runner.ts";

const highest = 65535;

/**
 * Ports for functions: the next free one above the counter, and from the beginning when there are no more. A port that was given up is so taken
 * again as late as can be, since somebody may still believe that the function before serves there.
 */
export class Ports {
  readonly #counter: number;
  readonly #host: string;
  #last: number;
  readonly #held = new Set<number>();

  /** `counter` 0 leaves the choice to the system. */
  constructor(counter: number, host: string) {
    this.#counter = this.#last = counter;
    this.#host = host;
  }

  /**
   * A port on which nobody listens, held until it is given back; 0 where the system chooses.
   *
   * @throws StartError `PORT_TAKEN`
   */
  take(): number {
    if (this.#counter === 0) return 0;
    const count = highest - this.#counter;
    for (let tried = 0; tried < count; tried++) {
      this.#last = this.#last === highest ? this.#counter + 1 : this.#last + 1;
      if (this.#held.has(this.#last) || !this.#isFree(this.#last)) continue;
      this.#held.add(this.#last);
      return this.#last;
    }
    throw new StartError(
      "PORT_TAKEN",
      `every port from ${this.#counter + 1} to ${highest} is taken (-httpPortCounter=${this.#counter})`,
    );
  }

  giveBack(port: number): void {
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
