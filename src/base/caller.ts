/**
 * Who waits for an answer, and may leave before it comes. One piece of work at a time listens for that.
 *
 * It is for what comes and goes with every call, where an `AbortSignal` with its listener costs 1 µs.
 */
export class Caller {
  /** Called once, when the caller leaves, with the reason. */
  onLeft: ((reason: unknown) => void) | undefined;
  #hasLeft = false;
  #reason: unknown;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Why it left. */
  get reason(): unknown {
    return this.#reason;
  }

  leave(reason: unknown): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#reason = reason;
    this.onLeft?.(reason);
  }
}
