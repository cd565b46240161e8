import { Waiters } from "./waiters.ts";

/** Most sockets that one instance may have open. */
const maxSockets = 128;

/** Counts the sockets of one instance, and closes them when the call ends. */
export class OpenSockets {
  readonly #pending: Set<() => void>;
  readonly #waiters = new Waiters();
  #count = 0;

  /** @param pending the functions that are called when the call ends. */
  constructor(pending: Set<() => void>) {
    this.#pending = pending;
  }

  /** True if the instance has as many sockets as it may have. */
  get isFull(): boolean {
    return this.#count >= maxSockets;
  }

  /** Calls a listener when there is room. Returns a function that stops waiting. */
  whenFree(listener: () => void): () => void {
    return this.#waiters.wait({ isReady: () => !this.isFull }, listener);
  }

  /**
   * Counts a socket.
   *
   * @param close called once, when the call ends or the returned function is called.
   * @returns undefined if there is no room.
   */
  add(close: () => void): (() => void) | undefined {
    if (this.isFull) return undefined;
    this.#count++;
    const end = () => {
      if (!this.#pending.delete(end)) return;
      this.#count--;
      close();
      this.#waiters.notify();
    };
    this.#pending.add(end);
    return end;
  }
}
