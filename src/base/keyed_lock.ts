/** A mutex for each key; waiters run in the order of their calls. */
export class KeyedLock {
  readonly #last = new Map<string, Promise<void>>();

  /** Calls `work` while no other work of the same key runs, and returns its result. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      if (this.#last.get(key) === promise) this.#last.delete(key);
    }
  }
}
