import { addressOf, type PageWatch } from "./page_watch.ts";

/**
 * Tracks which pages of a guest's memory were ever touched; all others are still zero.
 *
 * A thread that touches a page for the first time has a page fault, and the system counts the
 * faults of each thread. While that count is unchanged, neither the guest nor the host on its
 * behalf touched a new page; only when it changed is the page table read. This requires that all
 * calls of an instance run on one thread and that no other thread writes to its memory: host work
 * that would, such as a read from standard input, uses a buffer of its own.
 */
export class TouchedPages {
  readonly #watch: PageWatch;
  readonly #address: number;
  readonly #byteLength: number;
  #faults = 0;
  #runs: readonly number[] | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>, watch: PageWatch) {
    this.#watch = watch;
    this.#byteLength = bytes.length;
    this.#address = addressOf(bytes);
    watch.disableHugePages(bytes);
  }

  /**
   * Returns the touched pages as pairs of offsets at which a run of them begins and ends. A memory
   * that has grown counts as touched from end to end.
   */
  runsOf({ length }: Uint8Array<ArrayBuffer>): readonly number[] {
    if (length !== this.#byteLength) return [0, length];
    const faults = this.#watch.faults();
    if (!this.#runs || faults !== this.#faults) {
      this.#faults = faults;
      this.#runs = this.#watch.touchedRuns(this.#address, length) ?? [0, length];
    }
    return this.#runs;
  }

  /** Returns the whole pages between two offsets, all zero, to the system: they are untouched. */
  forget(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    const { pageBytes } = this.#watch;
    const first = Math.ceil(from / pageBytes) * pageBytes;
    const end = Math.floor(to / pageBytes) * pageBytes;
    if (first < end) this.#watch.discard(bytes.subarray(first, end));
    this.#runs = undefined;
  }
}
