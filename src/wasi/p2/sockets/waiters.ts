import { ready } from "../poll.ts";
import type { Pollable } from "../stream_types.ts";

/** The waiting listeners of a pollable. */
export class Waiters {
  readonly #listeners = new Set<() => void>();

  /** Implements `whenReady` of a pollable that calls `notify` when it becomes ready. */
  wait(pollable: Pick<Pollable, "isReady">, listener: () => void): () => void {
    if (pollable.isReady()) return ready.whenReady(listener);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the listeners. */
  notify(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
