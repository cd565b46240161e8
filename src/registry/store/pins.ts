import type { Digest } from "../../source/digest.ts";

/** Blobs that a change in progress is about to reference: garbage collection must keep them. */
export class Pins {
  readonly #counts = new Map<Digest, number>();

  /** Reports whether a blob is held. */
  has(digest: Digest): boolean {
    return this.#counts.has(digest);
  }

  /** Holds blobs until the result is disposed of. */
  hold(digests: readonly Digest[]): Disposable {
    for (const digest of digests) this.#add(digest, 1);
    return {
      [Symbol.dispose]: () => {
        for (const digest of digests) this.#add(digest, -1);
      },
    };
  }

  #add(digest: Digest, change: 1 | -1): void {
    const count = (this.#counts.get(digest) ?? 0) + change;
    if (count === 0) this.#counts.delete(digest);
    else this.#counts.set(digest, count);
  }
}
