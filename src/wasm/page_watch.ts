import { loadCLibrary } from "../base/c_library.ts";

/** What the system tells of the pages of this process's memory. */
export interface PageWatch {
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** A number that changes whenever this thread comes to a page for the first time. */
  faults(): number;
  /**
   * Where the pages lie that were ever read or written, of so many bytes from an address on: pairs of the offsets where a run of
   * them begins and ends, in order. `undefined` when the system does not tell, as when no file can be opened.
   */
  touchedRuns(address: number, byteLength: number): number[] | undefined;
  /**
   * Has the system touch no page of its own accord, as it does where it makes one huge page of many: what a thread writes to such
   * a page later would be no first time.
   */
  forgoHugePages(bytes: Uint8Array<ArrayBuffer>): void;
  /** Gives pages back to the system, which gives zeros for them when they are touched again. */
  discard(bytes: Uint8Array<ArrayBuffer>): void;
}

const symbols = {
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  madvise: { parameters: ["buffer", "usize", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const RUSAGE_THREAD = 1;
/** What `madvise` is told. @see https://man7.org/linux/man-pages/man2/madvise.2.html */
const MADV_DONTNEED = 4;
const MADV_NOHUGEPAGE = 15;
/** Where `struct rusage` has the low halves of `ru_minflt` and `ru_majflt`, in words. */
const minorFaults = 16;
const majorFaults = 18;
/** In the second word of a page's entry: it is in memory, or swapped out. @see https://docs.kernel.org/admin-guide/mm/pagemap.html */
const wasTouched = 0xc000_0000;
const entryBytes = 8;
/** Sizes that Linux's pages have, the usual one first. */
const pageSizes = [4096, 16_384, 65_536];

let watch: PageWatch | undefined;
let wasTried = false;

/**
 * The watch of this thread; `undefined` where the system has none that tells the truth: another system than Linux, a
 * sandbox without `/proc/self/pagemap`, a C library that cannot be called.
 */
export function pageWatch(): PageWatch | undefined {
  if (!wasTried) {
    wasTried = true;
    try {
      if (Deno.build.os === "linux") watch = createPageWatch();
    } catch {
      // Then all of a memory counts as touched.
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
        // Opened anew each time: this is done a few times in the life of an instance, and a thread that ends has nothing to close.
        using file = Deno.openSync("/proc/self/pagemap");
        file.seekSync(address / pageBytes * entryBytes, Deno.SeekMode.Start);
        if (file.readSync(entries) !== entries.length) return undefined;
      } catch {
        return undefined;
      }
      const runs: number[] = [];
      for (let page = 0; page < pages; page++) {
        if (((words[page * 2 + 1] ?? 0) & wasTouched) === 0) continue;
        const from = page * pageBytes;
        if (runs[runs.length - 1] === from) runs.pop();
        else runs.push(from);
        runs.push(from + pageBytes);
      }
      return runs;
    },
    forgoHugePages(bytes) {
      // A kernel without huge pages refuses, and has nothing to forgo.
      madvise(bytes, BigInt(bytes.length), MADV_NOHUGEPAGE);
    },
    discard(bytes) {
      madvise(bytes, BigInt(bytes.length), MADV_DONTNEED);
    },
  });
  return pageSizes.map(watchOf).find(tellsTheTruth);
}

/** Tries a watch on a memory of which one page is written. */
function tellsTheTruth(watch: PageWatch): boolean {
  const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 4 }).buffer as ArrayBuffer);
  const { pageBytes } = watch;
  const look = () => watch.touchedRuns(addressOf(bytes), bytes.length)?.join();
  watch.forgoHugePages(bytes);
  const atFirst = look();
  const faults = watch.faults();
  bytes[2 * pageBytes] = 1;
  const isCounted = watch.faults() !== faults;
  const written = look();
  watch.discard(bytes);
  return isCounted && atFirst === "" && written === `${2 * pageBytes},${3 * pageBytes}` &&
    look() === "";
}

/** Where bytes lie in this process's memory. Linux gives a process less than 2^53 bytes of addresses. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}
