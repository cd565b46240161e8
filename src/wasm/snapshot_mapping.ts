import { loadCLibrary } from "../base/c_library.ts";
import type { MemorySnapshot } from "./memory_snapshot.ts";
import { addressOf, type PageWatch, pageWatch } from "./page_watch.ts";

/**
 * Maps the pages of a snapshot into the memory of an instance, copy-on-write: the memory has the
 * content of the snapshot, and only pages that are written from then on count as touched. All
 * memories share the pages that they do not write.
 *
 * @returns false if the system cannot do that; the memory is unchanged then.
 */
export function mapSnapshot(snapshot: MemorySnapshot, bytes: Uint8Array<ArrayBuffer>): boolean {
  if (!hasMapping) {
    hasMapping = true;
    try {
      const made = createMapping();
      if (made && isReliable(made)) mapping = made;
    } catch {
      // The whole snapshot is copied then.
    }
  }
  return mapping?.map(snapshot, bytes) ?? false;
}

interface Mapping {
  readonly watch: PageWatch;
  map(snapshot: MemorySnapshot, bytes: Uint8Array<ArrayBuffer>): boolean;
}

let mapping: Mapping | undefined;
let hasMapping = false;

const symbols = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  mmap: { parameters: ["buffer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
/** Flags of `mmap`. @see https://man7.org/linux/man-pages/man2/mmap.2.html */
const MAP_PRIVATE_FIXED = 0x12;

function createMapping(): Mapping | undefined {
  const watch = pageWatch();
  if (!watch) return undefined;
  const { memfd_create, ftruncate, pwrite, close, mmap } = loadCLibrary(symbols);
  const { pageBytes } = watch;
  const name = new TextEncoder().encode("capsule-snapshot\0");

  /** The files of snapshots; -1 for one that could not be written. */
  const files = new WeakMap<MemorySnapshot, number>();
  const unused = new FinalizationRegistry<number>((file) => void close(file));

  const write = ({ bytes }: MemorySnapshot, at: number, length: number): number => {
    const file = memfd_create(name, MFD_CLOEXEC);
    if (file < 0) return -1;
    let isWritten = ftruncate(file, BigInt(length)) === 0;
    for (let done = 0; isWritten && done < bytes.length;) {
      const rest = bytes.subarray(done);
      const count = Number(pwrite(file, rest, BigInt(rest.length), BigInt(at + done)));
      isWritten = count > 0;
      done += count;
    }
    if (isWritten) return file;
    close(file);
    return -1;
  };

  return {
    watch,
    map(snapshot, bytes) {
      const from = Math.floor(snapshot.offset / pageBytes) * pageBytes;
      const to = Math.ceil(snapshot.end / pageBytes) * pageBytes;
      let file = files.get(snapshot);
      if (file === undefined) {
        file = write(snapshot, snapshot.offset - from, to - from);
        files.set(snapshot, file);
        if (file >= 0) unused.register(snapshot, file);
      }
      if (file < 0) return false;
      const target = bytes.subarray(from, to);
      const length = BigInt(target.length);
      const mapped = mmap(target, length, PROT_READ_WRITE, MAP_PRIVATE_FIXED, file, 0n);
      return Number(Deno.UnsafePointer.value(mapped)) === addressOf(target);
    },
  };
}

/** Tries the mapping on a memory of which one page is read and one is written. */
function isReliable({ map, watch }: Mapping): boolean {
  const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 4 }).buffer as ArrayBuffer);
  watch.disableHugePages(bytes);
  const { pageBytes } = watch;
  const offset = pageBytes;
  const end = 3 * pageBytes;
  const content = new Uint8Array(end - offset).fill(5);
  if (!map({ byteLength: bytes.length, offset, end, bytes: content }, bytes)) return false;
  const isRead = bytes[offset] === 5 && bytes[end] === 0;
  bytes[2 * pageBytes] = 6;
  const runs = watch.touchedRuns(addressOf(bytes), bytes.length)?.join() ?? "";
  return isRead && `,${runs},`.includes(`,${2 * pageBytes},`) && runs.split(",")[0] !== `${offset}`;
}
