/** Most sockets that one instance may have open. */
const maxSockets = 128;

/** Counts the sockets of one instance, and closes them when the call ends. */
export class OpenSockets {
  readonly #pending: Set<() => void>;
  #count = 0;

  /** @param pending the functions that are called when the call ends. */
  constructor(pending: Set<() => void>) {
    this.#pending = pending;
  }

  /**
   * Counts a socket.
   *
   * @param close called once, when the call ends or the returned function is called.
   * @returns undefined if the instance has as many sockets as it may have.
   */
  add(close: () => void): (() => void) | undefined {
    if (this.#count >= maxSockets) return undefined;
    this.#count++;
    const end = () => {
      if (!this.#pending.delete(end)) return;
      this.#count--;
      close();
    };
    this.#pending.add(end);
    return end;
  }
}
