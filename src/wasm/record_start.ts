import type { CallMemo, Span } from "../prepare/memo/replay.ts";
import { PREPARE_MODULE } from "../prepare/contract.ts";

/** Only calls whose inputs are cheaper to compare than the call is to run are recorded. */
const minAccesses = 500;
const maxBytesRead = 2048;
const maxBytesWritten = 512;
/** Memory accesses and loop iterations after which a recording is abandoned. */
const maxEvents = 1_000_000;
const stepsPerCheck = 100_000;
const maxChecks = 20;

/** WASI functions that report success without doing anything, which is enough for a start. */
const silent = /^(?:random_get|clock_|args_|environ_)/;
const notSupported = 52; // ENOSYS

/**
 * Runs `_start` of a module that was prepared with `startMemos: "record"` and returns the inputs
 * and effects of its long calls. The module's memory must be exported.
 *
 * The imports do nothing, and the recording ends at the first one that the module cannot do
 * without. What was recorded by then stays valid, as a memo applies wherever its inputs are equal.
 */
export function recordStart(module: WebAssembly.Module): CallMemo[] {
  const recorder = new Recorder();
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function") return [];
    (imports[from] ??= {})[name] = from === PREPARE_MODULE
      ? recorder.imports[name] ?? stop
      : stubOf(name);
  }
  try {
    const { exports } = new WebAssembly.Instance(module, imports);
    const memory = Object.values(exports).find((it) => it instanceof WebAssembly.Memory);
    if (!memory) return [];
    recorder.bind(memory);
    (exports._start as () => void)();
  } catch {
    // However it ended: only calls that returned are among the memos.
  }
  return recorder.memos;
}

function stubOf(name: string): () => number {
  if (silent.test(name)) return () => 0;
  return name.startsWith("fd_") ? () => notSupported : stop;
}

function stop(): never {
  throw new Error("the recording ends here");
}

class Recorder {
  readonly memos: CallMemo[] = [];
  #memory: WebAssembly.Memory | undefined;
  /** The memory that every instance begins with; a memo must not read beyond it. */
  #firstBytes = 0;
  /** The memory during a recorded call, which cannot grow it. */
  #bytes: Uint8Array = new Uint8Array();
  #place = 0;
  #before: bigint[] = [];
  #notes: bigint[] = [];
  /** Offsets: first values of bytes read before they were written, and the bytes written. */
  readonly #read = new Map<number, number>();
  readonly #written = new Set<number>();
  #fits = true;
  #accesses = 0;
  #events = 0;
  #checks = 0;

  readonly imports: Record<string, WebAssembly.ImportValue> = {
    begin: (place: number) => {
      this.#place = place;
      this.#bytes = new Uint8Array(this.#memory?.buffer ?? new ArrayBuffer(0));
      this.#notes = [];
      this.#read.clear();
      this.#written.clear();
      this.#fits = true;
      this.#accesses = 0;
    },
    note: (value: bigint) => void this.#notes.push(value),
    run: () => {
      this.#before = this.#notes;
      this.#notes = [];
    },
    // These two are called thousands of times before the engine optimizes them.
    read: (address: number, offset: number, length: number) => {
      const start = this.#touch(address, offset, length);
      if (!this.#fits) return;
      const read = this.#read;
      const end = start + (length >>> 0);
      for (let at = start; at < end; at++) {
        if (!read.has(at) && !this.#written.has(at)) read.set(at, this.#bytes[at] ?? 0);
      }
      this.#fits = read.size <= maxBytesRead;
    },
    write: (address: number, offset: number, length: number) => {
      const start = this.#touch(address, offset, length);
      if (!this.#fits) return;
      const written = this.#written;
      const end = start + (length >>> 0);
      for (let at = start; at < end; at++) written.add(at);
      this.#fits = written.size <= maxBytesWritten;
    },
    leave: stop,
    turn: () => {
      if (++this.#events > maxEvents) stop();
    },
    end: () => {
      if (!this.#fits || this.#accesses < minAccesses) return;
      if (this.memos.some(({ place }) => place === this.#place)) return; // the first counts
      const bytes = this.#bytes;
      this.memos.push({
        place: this.#place,
        before: this.#before,
        after: this.#notes,
        reads: spansOf([...this.#read.keys()], (at) => this.#read.get(at) ?? 0),
        writes: spansOf([...this.#written], (at) => bytes[at] ?? 0),
      });
    },
    step: () => ++this.#checks < maxChecks ? stepsPerCheck : -1,
    pause: () => -1,
    exit: () => {},
    grow: (pages: number) => pages,
  };

  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
    this.#firstBytes = memory.buffer.byteLength;
  }

  /** Counts an access and returns its start. One outside of the limits disqualifies the call. */
  #touch(address: number, offset: number, length: number): number {
    if (++this.#events > maxEvents) stop();
    this.#accesses++;
    const start = (address >>> 0) + (offset >>> 0);
    const bytes = length >>> 0;
    if (start + bytes > this.#firstBytes || bytes > maxBytesRead) this.#fits = false;
    return start;
  }
}

/** Returns bytes, given by their offsets, as spans in order. */
function spansOf(offsets: number[], byteAt: (offset: number) => number): Span[] {
  offsets.sort((a, b) => a - b);
  const spans: { at: number; bytes: number[] }[] = [];
  for (const at of offsets) {
    const last = spans.at(-1);
    if (last && last.at + last.bytes.length === at) last.bytes.push(byteAt(at));
    else spans.push({ at, bytes: [byteAt(at)] });
  }
  return spans.map(({ at, bytes }) => ({ at, bytes: new Uint8Array(bytes) }));
}
