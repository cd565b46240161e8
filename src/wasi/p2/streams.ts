import type { Value } from "../../component/abi/codec.ts";
import { trap } from "../../component/abi/context.ts";
import { anyReady, ready } from "./poll.ts";
import { err, ok, type P2Interface, type P2State } from "./state.ts";
import type { InputStream, OutputStream, Pollable } from "./stream_types.ts";

/** The resource `wasi:io/error`. Its origin may know a code of its own for it. */
export class IoError {
  readonly message: string;
  readonly cause: unknown;

  constructor(message: string, cause?: unknown) {
    this.message = message;
    this.cause = cause;
  }
}

/** The end of a stream: closed, or failed with an error. Thrown by streams. */
export class StreamEnd {
  readonly error: IoError | undefined;

  constructor(error?: IoError) {
    this.error = error;
  }

  /** Returns it as a `stream-error`. */
  get value(): Value {
    return this.error ? { tag: "last-operation-failed", value: this.error } : { tag: "closed" };
  }
}

/** Bytes that one call reads or writes at most. */
const maxChunk = 1 << 20;
const chunk = (length: bigint) => Number(length < BigInt(maxChunk) ? length : BigInt(maxChunk));
/** Most bytes that `blocking-write-and-flush` takes, by its specification. */
const maxBlockingWrite = 4096;

/** Calls work of a stream. Returns its result or the end of the stream as a `result`. */
function attempt(work: () => Value): Value {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof StreamEnd) return err(error.value);
    throw error;
  }
}

/** Calls work once a stream is ready, again as long as it returns undefined. */
function blocking(
  state: P2State,
  stream: Pollable,
  work: () => Value,
): Value | Promise<Value> {
  const now = attempt(work) as { tag: string; value: Value };
  if (now.tag === "error" || now.value !== undefined) return now;
  return anyReady(state, [stream]).then(() => blocking(state, stream, work));
}

/** `wasi:io/error` */
export const errorInterface: P2Interface = {
  functions: {
    // to-debug-string: func() -> string
    "[method]error.to-debug-string": (self: IoError) => self.message,
  },
};

/** `wasi:io/streams` */
export function streamsInterface(state: P2State): P2Interface {
  const readReady = (self: InputStream, length: bigint) => {
    const bytes = self.read(chunk(length));
    return bytes.length > 0 || length === 0n ? bytes : undefined;
  };

  const write = (self: OutputStream, bytes: Uint8Array) => {
    if (bytes.length > self.checkWrite()) {
      throw trap("write of more bytes than check-write permitted");
    }
    self.write(bytes);
    return undefined;
  };

  /** Writes all bytes and waits until they are flushed. */
  const writeAll = (self: OutputStream, bytes: Uint8Array): Value | Promise<Value> => {
    let rest = bytes;
    const step = (): Value => {
      while (rest.length > 0) {
        const count = Math.min(self.checkWrite(), rest.length);
        if (count === 0) return undefined;
        self.write(rest.subarray(0, count));
        rest = rest.subarray(count);
      }
      self.flush();
      return true;
    };
    const flushed = (result: Value): Value | Promise<Value> => {
      if ((result as { tag: string }).tag === "error") return result;
      return self.isReady() ? ok() : anyReady(state, [self]).then(() => ok());
    };
    const result = blocking(state, self, step);
    return result instanceof Promise ? result.then(flushed) : flushed(result);
  };

  const splice = (self: OutputStream, source: InputStream, length: bigint) => {
    const room = Math.min(self.checkWrite(), chunk(length));
    if (room === 0) return 0n;
    const bytes = source.read(room);
    self.write(bytes);
    return BigInt(bytes.length);
  };

  const flush = (self: OutputStream) => {
    self.flush();
    return undefined;
  };

  return {
    functions: {
      // read: func(len: u64) -> result<list<u8>, stream-error>
      "[method]input-stream.read": (self: InputStream, length: bigint) =>
        attempt(() => self.read(chunk(length))),
      // blocking-read: func(len: u64) -> result<list<u8>, stream-error>
      "[method]input-stream.blocking-read": (self: InputStream, length: bigint) =>
        blocking(state, self, () => readReady(self, length)),
      // skip: func(len: u64) -> result<u64, stream-error>
      "[method]input-stream.skip": (self: InputStream, length: bigint) =>
        attempt(() => BigInt(self.read(chunk(length)).length)),
      // blocking-skip: func(len: u64) -> result<u64, stream-error>
      "[method]input-stream.blocking-skip": (self: InputStream, length: bigint) =>
        blocking(state, self, () => {
          const bytes = readReady(self, length);
          return bytes && BigInt(bytes.length);
        }),
      // subscribe: func() -> pollable
      "[method]input-stream.subscribe": (self: InputStream) => self,
      // check-write: func() -> result<u64, stream-error>
      "[method]output-stream.check-write": (self: OutputStream) =>
        attempt(() => BigInt(self.checkWrite())),
      // write: func(contents: list<u8>) -> result<_, stream-error>
      "[method]output-stream.write": (self: OutputStream, contents: Uint8Array) =>
        attempt(() => write(self, contents)),
      // blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>
      "[method]output-stream.blocking-write-and-flush": (
        self: OutputStream,
        contents: Uint8Array,
      ) => {
        if (contents.length > maxBlockingWrite) {
          throw trap(`blocking-write-and-flush of more than ${maxBlockingWrite} bytes`);
        }
        return writeAll(self, contents);
      },
      // flush: func() -> result<_, stream-error>
      "[method]output-stream.flush": (self: OutputStream) => attempt(() => flush(self)),
      // blocking-flush: func() -> result<_, stream-error>
      "[method]output-stream.blocking-flush": (self: OutputStream) =>
        writeAll(self, new Uint8Array(0)),
      // subscribe: func() -> pollable
      "[method]output-stream.subscribe": (self: OutputStream) => self,
      // write-zeroes: func(len: u64) -> result<_, stream-error>
      "[method]output-stream.write-zeroes": (self: OutputStream, length: bigint) =>
        attempt(() => {
          if (length > BigInt(self.checkWrite())) {
            throw trap("write-zeroes of more bytes than check-write permitted");
          }
          return write(self, new Uint8Array(Number(length)));
        }),
      // blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>
      "[method]output-stream.blocking-write-zeroes-and-flush": (
        self: OutputStream,
        length: bigint,
      ) => {
        if (length > BigInt(maxBlockingWrite)) {
          throw trap(`blocking-write-zeroes-and-flush of more than ${maxBlockingWrite} bytes`);
        }
        return writeAll(self, new Uint8Array(Number(length)));
      },
      // splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>
      "[method]output-stream.splice": (self: OutputStream, source: InputStream, length: bigint) =>
        attempt(() => splice(self, source, length)),
      // blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>
      "[method]output-stream.blocking-splice": (
        self: OutputStream,
        source: InputStream,
        length: bigint,
      ) => {
        const step = (): Value | Promise<Value> => {
          state.assertInTime();
          const now = attempt(() => splice(self, source, length)) as { tag: string; value: Value };
          if (now.tag === "error" || now.value !== 0n || length === 0n) return now;
          const awaited = self.isReady() ? source : self;
          return anyReady(state, [awaited]).then(step);
        };
        return step();
      },
    },
    waits: [
      "[method]input-stream.blocking-read",
      "[method]input-stream.blocking-skip",
      "[method]output-stream.blocking-write-and-flush",
      "[method]output-stream.blocking-flush",
      "[method]output-stream.blocking-write-zeroes-and-flush",
      "[method]output-stream.blocking-splice",
    ],
    drops: {
      "input-stream": (rep: InputStream) => rep.close(),
      "output-stream": (rep: OutputStream) => rep.close(),
    },
  };
}

/** An input stream of bytes that are all there. */
export class BytesInput implements InputStream {
  #rest: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#rest = bytes;
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  read(length: number): Uint8Array<ArrayBuffer> {
    if (this.#rest.length === 0 && length > 0) throw new StreamEnd();
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  close(): void {}
}

/** An output stream to a function that takes all bytes immediately. */
export class FunctionOutput implements OutputStream {
  readonly #write: (bytes: Uint8Array) => void;

  /** @param write may throw `Deno.errors.BrokenPipe`, which closes the stream. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  checkWrite(): number {
    return maxChunk;
  }

  write(bytes: Uint8Array): void {
    try {
      this.#write(bytes);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new StreamEnd();
      throw error;
    }
  }

  flush(): void {}
  close(): void {}
}

/** An input stream that reads ahead from a source of chunks, as a web stream's reader is one. */
export class ChunkInput implements InputStream {
  readonly #next: () => Promise<Uint8Array<ArrayBuffer> | undefined>;
  readonly #cancel: () => void;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #end: StreamEnd | undefined;
  #reading: Promise<void> | undefined;
  readonly #listeners = new Set<() => void>();

  /**
   * @param source `next` resolves to the next chunk, or to undefined at the end; `cancel` is called
   * when nothing more is read; `failure` maps an error of `next` to the stream's.
   */
  constructor(source: {
    readonly next: () => Promise<Uint8Array<ArrayBuffer> | undefined>;
    readonly cancel: () => void;
    readonly failure?: (error: unknown) => IoError;
  }) {
    const failure = source.failure ?? ((error) => new IoError(String(error), error));
    this.#cancel = source.cancel;
    this.#next = async () => {
      try {
        return await source.next();
      } catch (error) {
        this.#end = new StreamEnd(failure(error));
      }
    };
  }

  isReady(): boolean {
    return this.#rest.length > 0 || this.#end !== undefined;
  }

  whenReady(listener: () => void): () => void {
    if (this.isReady()) return ready.whenReady(listener);
    this.#listeners.add(listener);
    this.#reading ??= this.#read();
    return () => this.#listeners.delete(listener);
  }

  async #read(): Promise<void> {
    let bytes = await this.#next();
    while (bytes && bytes.length === 0) bytes = await this.#next();
    if (bytes) this.#rest = bytes;
    else this.#end ??= new StreamEnd();
    this.#reading = undefined;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  read(length: number): Uint8Array<ArrayBuffer> {
    if (this.#rest.length === 0) {
      if (this.#end) throw this.#end;
      this.#reading ??= this.#read();
    }
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  close(): void {
    if (!this.#end) this.#cancel();
    this.#end ??= new StreamEnd();
  }
}
