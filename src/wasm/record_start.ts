import type { CallMemo, Span } from "../prepare/memo/replay.ts";
import { PREPARE_MODULE } from "../prepare/contract.ts";

/** A call is remembered when it looks at memory often and depends on little: looking whether it finds the same must cost less. */
const fewestAccesses = 500;
const mostBytesRead = 2048;
const mostBytesWritten = 512;
/** Accesses and turns of loops after which a recording is given up. */
const mostEvents = 1_000_000;
const stepsAtOnce = 100_000;
const mostLooks = 20;

/** WASI functions that do nothing and say that they did: a start needs no more of them to go on. */
const silent = /^(?:random_get|clock_|args_|environ_)/;
const notSupported = 52; // ENOSYS

/**
 * Runs `_start` of a module that was prepared with `startMemos: "record"` and returns what its long calls depend on and do. Its
 * memory must be exported.
 * The module finds a host that answers nothing, and is stopped at the first thing that it cannot do without: what was seen
 * by then is true all the same, for a memo holds wherever the same is found.
 */
export function recordStart(module: WebAssembly.Module): CallMemo[] {
  const recorder = new Recorder();
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function") return [];
    (imports[from] ??= {})[name] = from === PREPARE_MODULE
      ? recorder.imports[name] ?? stop
      : answerOf(name);
  }
  try {
    const { exports } = new WebAssembly.Instance(module, imports);
    const memory = Object.values(exports).find((it) => it instanceof WebAssembly.Memory);
    if (!memory) return [];
    recorder.bind(memory);
    (exports._start as () => void)();
  } catch {
    // However it ended: only calls that came to their end are among the memos.
  }
  return recorder.memos;
}

function answerOf(name: string): () => number {
  if (silent.test(name)) return () => 0;
  return name.startsWith("fd_") ? () => notSupported : stop;
}

function stop(): never {
  throw new Error("the recording ends here");
}

class Recorder {
  readonly memos: CallMemo[] = [];
  #memory: WebAssembly.Memory | undefined;
  /** What every instance has from the beginning: a memo must not look beyond it. */
  #firstBytes = 0;
  /** The memory while a call is recorded, which cannot grow it. */
  #bytes: Uint8Array = new Uint8Array();
  #place = 0;
  #before: bigint[] = [];
  #notes: bigint[] = [];
  /** First values of the bytes that were read before they were written, and the bytes that were written, by their offsets. */
  readonly #read = new Map<number, number>();
  readonly #written = new Set<number>();
  #fits = true;
  #accesses = 0;
  #events = 0;
  #looks = 0;

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
    // Thousands of accesses are told before the engine has optimized these two, so each is one call and no more.
    read: (address: number, offset: number, length: number) => {
      const start = this.#touch(address, offset, length);
      if (!this.#fits) return;
      const read = this.#read;
      const end = start + (length >>> 0);
      for (let at = start; at < end; at++) {
        if (!read.has(at) && !this.#written.has(at)) read.set(at, this.#bytes[at] ?? 0);
      }
      this.#fits = read.size <= mostBytesRead;
    },
    write: (address: number, offset: number, length: number) => {
      const start = this.#touch(address, offset, length);
      if (!this.#fits) return;
      const written = this.#written;
      const end = start + (length >>> 0);
      for (let at = start; at < end; at++) written.add(at);
      this.#fits = written.size <= mostBytesWritten;
    },
    leave: stop,
    turn: () => {
      if (++this.#events > mostEvents) stop();
    },
    end: () => {
      if (!this.#fits || this.#accesses < fewestAccesses) return;
      if (this.memos.some(({ place }) => place === this.#place)) return; // `_start` calls in a loop: the first is kept
      const bytes = this.#bytes;
      this.memos.push({
        place: this.#place,
        before: this.#before,
        after: this.#notes,
        reads: spansOf([...this.#read.keys()], (at) => this.#read.get(at) ?? 0),
        writes: spansOf([...this.#written], (at) => bytes[at] ?? 0),
      });
    },
    step: () => ++this.#looks < mostLooks ? stepsAtOnce : -1,
    pause: () => -1,
    exit: () => {},
  };

  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
    this.#firstBytes = memory.buffer.byteLength;
  }

  /** Counts an access and returns where it begins; where it lies says whether the call still fits. */
  #touch(address: number, offset: number, length: number): number {
    if (++this.#events > mostEvents) stop();
    this.#accesses++;
    const start = (address >>> 0) + (offset >>> 0);
    const bytes = length >>> 0;
    if (start + bytes > this.#firstBytes || bytes > mostBytesRead) this.#fits = false;
    return start;
  }
}

/** Bytes by their offsets, as spans in order. */
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
