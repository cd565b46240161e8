import { type MemoryImage, restoreMemory, takeMemoryImage } from "./memory_image.ts";
import { pageWatch } from "./page_watch.ts";
import { TouchedPages } from "./touched_pages.ts";

/**
 * From then on only the pages that calls touch are put back. To learn which those are begins with 2 ms for the C library, which the
 * first calls of a process, which take longest, are spared.
 */
const restoresUntilWatched = 16;

/** How many times this thread has put a whole memory back. */
let restores = 0;

/** Takes the image of a memory, and puts the memory of one instance back to it. */
export class MemoryReset {
  #touched: TouchedPages | undefined;

  /** The image of a memory as it is now. */
  take(bytes: Uint8Array<ArrayBuffer>): MemoryImage {
    return takeMemoryImage(bytes);
  }

  /** Makes the instance's memory what the image says, and clears what it grew since. */
  restore(image: MemoryImage, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#touched) return restoreMemory(image, bytes, this.#touched.runsOf(bytes));
    const watch = restores++ < restoresUntilWatched ? undefined : pageWatch();
    if (!watch) return restoreMemory(image, bytes, [0, bytes.length]);
    this.#touched = new TouchedPages(bytes, watch);
    restoreMemory(image, bytes, this.#touched.runsOf(bytes));
    // Until now whole memories were put back, which touches all of them.
    this.#touched.forget(bytes, 0, image.offset);
    this.#touched.forget(bytes, image.end, bytes.length);
  }
}
