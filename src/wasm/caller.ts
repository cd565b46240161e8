/**
 * The caller of a function, who may leave before the result is there. One listener at a time.
 *
 * Hot path: stands in for an `AbortSignal` with a listener, which every host call would pay for
 * (bench: `store`).
 */
export class Caller {
  /** Called once, when the caller leaves, with the reason. */
  onLeft: ((reason: unknown) => void) | undefined;
  #hasLeft = false;
  #reason: unknown;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The reason passed to `leave`. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Records that the caller left and notifies the listener. Later calls have no effect. */
  leave(reason: unknown): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#reason = reason;
    this.onLeft?.(reason);
  }
}
