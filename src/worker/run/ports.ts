import { StartError } from "./function_runner.ts";

const highest = 65535;

/**
 * Ports for functions: the next free one above the counter, and from the beginning when there are no more; so a port that was given up is taken again as
 * late as can be.
 */
export class Ports {
  readonly #counter: number;
  readonly #host: string;
  #last: number;
  readonly #held = new Set<number>();
  readonly #isBelieved: (port: number) => boolean;

  /**
   * `counter` 0 leaves the choice to the system. `isBelieved` says whether somebody may still send a port's requests to what was there before.
   */
  constructor(counter: number, host: string, isBelieved: (port: number) => boolean = () => false) {
    this.#counter = this.#last = counter;
    this.#host = host;
    this.#isBelieved = isBelieved;
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
      if (this.#held.has(this.#last) || this.#isBelieved(this.#last) || !this.#isFree(this.#last)) {
        continue;
      }
      this.#held.add(this.#last);
      return this.#last;
    }
    throw new StartError(
      "PORT_TAKEN",
      `every port from ${
        this.#counter + 1
      } to ${highest} is taken (-httpPortCounter=${this.#counter})`,
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
