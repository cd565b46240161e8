import type { CoreValue } from "../../component/abi/codec.ts";
import { trap } from "../../component/abi/context.ts";
import type { Preview1Function } from "../../component/instance/host.ts";
import { GuestMemory } from "../../wasm/memory.ts";
import { loadFamilies, type WasiFamily } from "../imports.ts";
import { ClockId, Errno, refuse } from "../preview1.ts";
import { Wasi, type WasiOutput } from "../wasi.ts";
import { ComponentExit } from "./cli.ts";
import type { P2Preopen } from "./filesystem.ts";
import type { P2Preview1 } from "./host.ts";
import { anyReady } from "./poll.ts";
import type { P2State } from "./state.ts";
import { StreamEnd } from "./stream_end.ts";
import type { OutputStream } from "./stream_types.ts";

type Call = Preview1Function["call"];

/**
 * Loads the functions of preview1 that take the place of an adapter, with its results: they use the
 * streams, clocks and folders of WASI 0.2.
 */
export async function loadPreview1(
  names: readonly string[],
): Promise<(state: P2State, preopens: readonly P2Preopen[]) => P2Preview1> {
  const families = await loadFamilies(names);
  return (state, preopens) => new AdapterFunctions(families, state, preopens);
}

/** The `rights` that an adapter reports: base and inheriting ones. */
const rights = {
  input: [1 << 1, 1 << 1],
  output: [1 << 6, 1 << 6],
  directory: [0x07b7fe00, 0x0ff7ffff],
} as const;

/** The first descriptor of a preopened folder. */
const firstFolder = 3;

/** Iovecs between two checks of the deadline. */
const iovsPerCheck = 1 << 16;

class AdapterFunctions implements P2Preview1 {
  readonly #memory = new GuestMemory();
  readonly #wasi: Wasi;
  readonly #state: P2State;
  /** Bytes of the names of the preopened folders, whose descriptors follow the streams. */
  readonly #nameLengths: readonly number[];
  /** Descriptors that the guest has closed. It opens none. */
  readonly #closed = new Set<number>();

  constructor(
    families: readonly WasiFamily[],
    state: P2State,
    preopens: readonly P2Preopen[],
  ) {
    this.#state = state;
    this.#nameLengths = preopens.map(({ guest }) => new TextEncoder().encode(guest).length);
    this.#wasi = new Wasi({
      families,
      args: state.args,
      env: Object.fromEntries(state.env),
      preopens: preopens.map(({ guest, folder }) => ({ guest, open: folder })),
      // No function that reads is replaced.
      stdin: { kind: "empty" },
      stdout: outputTo(state, state.stdout),
      stderr: outputTo(state, state.stderr),
      outputWaits: true,
      terminals: state.terminals,
      assertInTime: state.assertInTime,
      clock: state.clock,
      random: state.random,
    });
  }

  bind(memory: WebAssembly.Memory): void {
    this.#memory.bind(memory);
    this.#wasi.memory.bind(memory);
  }

  function(name: string): Preview1Function {
    const found = (this.#wasi.imports as Readonly<Record<string, unknown>>)[name];
    if (!found) throw new Error(`preview1 has no function ${name}`);
    const call = this.#asAdapter(name, found as Call);
    return { call: trapOnFault(call), mayWait: this.#wasi.suspending.has(name) };
  }

  reset(): void {
    this.#closed.clear();
    this.#wasi.reset();
  }

  /** Returns a function with the results that it has in an adapter, where they differ. */
  #asAdapter(name: string, call: Call): Call {
    switch (name) {
      case "clock_time_get":
        return (id, precision, time) =>
          id === ClockId.realtime || id === ClockId.monotonic
            ? call(id, precision, time)
            : Errno.EBADF;
      case "fd_fdstat_get":
        return (fd, stat) => {
          if (!this.#isOpen(Number(fd))) return Errno.EBADF;
          const errno = call(fd, stat);
          if (errno === 0) this.#setRights(Number(fd), Number(stat) >>> 0);
          return errno;
        };
      case "fd_close":
        return (fd) => {
          const errno = call(fd);
          if (errno === 0) this.#closed.add(Number(fd));
          return errno;
        };
      case "fd_prestat_get":
        return (fd, buf) => this.#isFolder(Number(fd)) ? call(fd, buf) : Errno.EBADF;
      case "fd_prestat_dir_name":
        return (fd, path, length) => {
          if (!this.#isFolder(Number(fd))) return Errno.EBADF;
          const nameLength = this.#nameLengths[Number(fd) - firstFolder] ?? 0;
          return nameLength > Number(length) >>> 0 ? Errno.ENAMETOOLONG : call(fd, path, length);
        };
      case "fd_seek":
        // Without files nothing can seek, so that nothing is written.
        return (fd, offset, whence) =>
          this.#closed.has(Number(fd)) ? Errno.ESPIPE : call(fd, offset, whence, 0);
      case "fd_write":
        return (fd, iovs, count, nwritten) =>
          this.#writeFirst(call, { fd, iovs: Number(iovs) >>> 0, nwritten }, Number(count) >>> 0);
      case "proc_exit":
        return (code) => {
          // `wasi:cli/exit` has no codes: it reports success or failure.
          throw ComponentExit.create(code === 0 ? 0 : 1);
        };
    }
    return call;
  }

  #setRights(fd: number, stat: number): void {
    const kind = fd === 0 ? "input" : fd <= 2 ? "output" : "directory";
    const [base, inheriting] = rights[kind];
    const { view } = this.#memory;
    view.setBigUint64(stat + 8, BigInt(base), true);
    view.setBigUint64(stat + 16, BigInt(inheriting), true);
  }

  #checkRange(pointer: number, length: number): void {
    if (!this.#memory.holds(pointer, length)) throw trap("memory access out of bounds");
  }

  /** Writes the first buffer that is not empty; a caller continues after a partial write. */
  #writeFirst(
    call: Call,
    { fd, iovs, nwritten }: { fd: CoreValue; iovs: number; nwritten: CoreValue },
    count: number,
  ): number | Promise<number> {
    const memory = this.#memory;
    if (count === 0) {
      this.#checkRange(Number(nwritten), 4);
      memory.view.setUint32(Number(nwritten) >>> 0, 0, true);
      return 0;
    }
    let at = iovs;
    for (let left = count;; left--, at += 8) {
      if (left % iovsPerCheck === 0) this.#state.assertInTime();
      this.#checkRange(at, 8);
      if (left === 1 || memory.view.getUint32(at + 4, true) > 0) break;
    }
    const isOutput = (fd === 1 || fd === 2) && this.#isOpen(fd);
    return isOutput ? call(fd, at, 1, nwritten) : Errno.EBADF;
  }

  #isOpen(fd: number): boolean {
    return fd >= 0 && fd < firstFolder + this.#nameLengths.length && !this.#closed.has(fd);
  }

  #isFolder(fd: number): boolean {
    return fd >= firstFolder && this.#isOpen(fd);
  }
}

/** An adapter uses pointers without a check, so that one out of bounds traps. */
function trapOnFault(call: Call): Call {
  const check = (errno: number): number => {
    if (errno !== Errno.EFAULT) return errno;
    throw trap("memory access out of bounds");
  };
  return (...args) => {
    const errno = call(...args);
    return typeof errno === "number" ? check(errno) : errno.then(check);
  };
}

/** An output stream as an adapter writes to it: flushed after each write. */
function outputTo(state: P2State, open: () => OutputStream): WasiOutput {
  let stream: OutputStream | undefined;
  const writeNow = (stream: OutputStream, bytes: Uint8Array): number => {
    try {
      const taken = bytes.subarray(0, stream.checkWrite());
      if (taken.length === 0) return 0;
      stream.write(taken);
      stream.flush();
      return taken.length;
    } catch (error) {
      if (error instanceof StreamEnd) refuse("EIO");
      throw error;
    }
  };
  const writeLater = async (
    stream: OutputStream,
    bytes: Uint8Array,
    taken: number,
  ): Promise<number> => {
    await anyReady(state, [stream]);
    return taken > 0 ? taken : await writeLater(stream, bytes, writeNow(stream, bytes));
  };
  return (bytes) => {
    stream ??= open();
    const taken = writeNow(stream, bytes);
    if (taken > 0 && stream.isReady()) return taken;
    return writeLater(stream, bytes.slice(), taken);
  };
}
