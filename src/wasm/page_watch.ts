import { loadCLibrary } from "../base/c_library.ts";

/** Facts from the operating system about the pages of this process's memory. */
export interface PageWatch {
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** Returns a number that changes whenever this thread touches a page for the first time. */
  faults(): number;
  /**
   * Returns the pages that were ever read or written, as pairs of offsets at which a run of them
   * begins and ends, in order; undefined if the system cannot tell, as when no file can be opened.
   * A page that is mapped from a file is one of them once it was written.
   */
  touchedRuns(address: number, byteLength: number): number[] | undefined;
  /** Disables transparent huge pages, which would make untouched pages look touched. */
  disableHugePages(bytes: Uint8Array<ArrayBuffer>): void;
  /** Returns pages to the system, which supplies zeros when they are touched again. */
  discard(bytes: Uint8Array<ArrayBuffer>): void;
}

const symbols = {
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  madvise: { parameters: ["buffer", "usize", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const RUSAGE_THREAD = 1;
/** Advice for `madvise`. @see https://man7.org/linux/man-pages/man2/madvise.2.html */
const MADV_DONTNEED = 4;
const MADV_NOHUGEPAGE = 15;
/** Words of `struct rusage`: the low halves of `ru_minflt` and `ru_majflt`. */
const minorFaults = 16;
const majorFaults = 18;
/**
 * Bits of the second word of a page's entry: present, or swapped out; and a page of a file.
 *
 * @see https://docs.kernel.org/admin-guide/mm/pagemap.html
 */
const wasTouched = 0xc000_0000;
const isOfFile = 0x2000_0000;
const entryBytes = 8;
/** Page sizes of Linux, the most frequent one first. */
const pageSizes = [4096, 16_384, 65_536];

let watch: PageWatch | undefined;
let wasTried = false;

/**
 * Returns the watch of this thread; undefined without a reliable one: on other systems than Linux,
 * in a sandbox without `/proc/self/pagemap`, or if the C library cannot be called.
 */
export function pageWatch(): PageWatch | undefined {
  if (!wasTried) {
    wasTried = true;
    try {
      if (Deno.build.os === "linux") watch = createPageWatch();
    } catch {
      // All of a memory counts as touched then.
    }
  }
  return watch;
}

function createPageWatch(): PageWatch | undefined {
  const { getrusage, madvise } = loadCLibrary(symbols);
  const usage = new Int32Array(36);
  let words = new Uint32Array(64);
  const watchOf = (pageBytes: number): PageWatch => ({
    pageBytes,
    faults() {
      getrusage(RUSAGE_THREAD, usage);
      return ((usage[minorFaults] ?? 0) + (usage[majorFaults] ?? 0)) | 0;
    },
    touchedRuns(address, byteLength) {
      const pages = byteLength / pageBytes;
      if (words.length < pages * 2) words = new Uint32Array(pages * 2);
      const entries = new Uint8Array(words.buffer, 0, pages * entryBytes);
      try {
        // Opened for each read: reads are rare, and a thread that ends has no file to close.
        using file = Deno.openSync("/proc/self/pagemap");
        file.seekSync(address / pageBytes * entryBytes, Deno.SeekMode.Start);
        if (file.readSync(entries) !== entries.length) return undefined;
      } catch {
        return undefined;
      }
      const runs: number[] = [];
      for (let page = 0; page < pages; page++) {
        const entry = words[page * 2 + 1] ?? 0;
        if ((entry & wasTouched) === 0 || (entry & isOfFile) !== 0) continue;
        const from = page * pageBytes;
        if (runs[runs.length - 1] === from) runs.pop();
        else runs.push(from);
        runs.push(from + pageBytes);
      }
      return runs;
    },
    disableHugePages(bytes) {
      // A kernel without huge pages returns an error, which changes nothing.
      madvise(bytes, BigInt(bytes.length), MADV_NOHUGEPAGE);
    },
    discard(bytes) {
      madvise(bytes, BigInt(bytes.length), MADV_DONTNEED);
    },
  });
  return pageSizes.map(watchOf).find(isReliable);
}

/** Tries a watch on a memory with one written page. */
function isReliable(watch: PageWatch): boolean {
  const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 4 }).buffer as ArrayBuffer);
  const { pageBytes } = watch;
  const look = () => watch.touchedRuns(addressOf(bytes), bytes.length)?.join();
  watch.disableHugePages(bytes);
  const atFirst = look();
  const faults = watch.faults();
  bytes[2 * pageBytes] = 1;
  const isCounted = watch.faults() !== faults;
  const written = look();
  watch.discard(bytes);
  return isCounted && atFirst === "" && written === `${2 * pageBytes},${3 * pageBytes}` &&
    look() === "";
}

/** Returns the address of bytes. Linux gives a process less than 2^53 bytes of addresses. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}
