import type { Digest } from "../../source/digest.ts";

/** Blobs that a change in progress is about to name, and that nobody may remove meanwhile. */
export class Pins {
  readonly #counts = new Map<Digest, number>();

  has(digest: Digest): boolean {
    return this.#counts.has(digest);
  }

  /** Until what is returned is disposed of. */
  hold(digests: readonly Digest[]): Disposable {
    for (const digest of digests) this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const digest of digests) {
          const count = (this.#counts.get(digest) ?? 1) - 1;
          if (count === 0) this.#counts.delete(digest);
          else this.#counts.set(digest, count);
        }
      },
    };
  }
}
