import type { RerunReason } from "../wasm/call_state.ts";
import type { Guest } from "../wasm/guest.ts";
import { isSuspendError } from "../wasm/jspi.ts";

/** Score added by a slow call; each quick call subtracts one. */
const slowCallScore = 64;
/** Above this score calls are made as awaitable ones right away. */
const maxSlowScore = 2 * slowCallScore;

/**
 * Decides from the calls of one function whether the next one is made tentatively, or as an
 * awaitable one right away.
 */
export class RerunHistory {
  /** True if calls are made as awaitable ones from the start. */
  isAwaitable: boolean;
  #slowScore = 0;

  constructor(isAwaitable: boolean) {
    this.isAwaitable = isAwaitable;
  }

  /**
   * Runs a tentative call, which has begun. Returns undefined if it was discarded and has to be
   * rerun.
   *
   * @param run returns undefined if the call cannot be made tentatively.
   * @throws what `explain` returns for the error of `run`.
   */
  attempt<T>(
    guest: Guest,
    run: () => { value: T } | undefined,
    explain: (error: unknown) => unknown,
  ): { value: T } | undefined {
    try {
      const made = run();
      if (!made) return undefined;
      if (guest.rerunReason) throw new Error("the guest caught the end of its tentative call");
      guest.output.end();
      if (this.#slowScore > 0) this.#slowScore--;
      return made;
    } catch (error) {
      if (!guest.rerunReason && !isSuspendError(error)) throw explain(error);
      guest.output.discard();
      this.#record(guest.rerunReason);
      return undefined;
    }
  }

  /** A call that had to wait will have to again; a slow one may have been an exception. */
  #record(reason: RerunReason | undefined): void {
    if (reason === "slow") this.#slowScore += slowCallScore;
    this.isAwaitable = reason !== "slow" || this.#slowScore > maxSlowScore;
  }
}
