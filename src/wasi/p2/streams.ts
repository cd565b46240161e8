import type { Value } from "../../component/abi/codec.ts";
import { trap } from "../../component/abi/context.ts";
import { anyReady } from "./poll.ts";
import { type IoError, StreamEnd } from "./stream_end.ts";
import { err, ok, type P2Interface, type P2State } from "./state.ts";
import type { InputStream, OutputStream, Pollable } from "./stream_types.ts";

/** Most bytes that one call reads or writes. */
const maxChunk = 1 << 20;
const chunk = (length: bigint) => Number(length < BigInt(maxChunk) ? length : BigInt(maxChunk));
/** Most bytes that `blocking-write-and-flush` takes, by its specification. */
const maxBlockingWrite = 4096;

/** Runs `work` on a stream. Returns its value, or the end of the stream, as a `result`. */
function attempt(work: () => Value): Value {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof StreamEnd) return err(error.value);
    throw error;
  }
}

/** Runs `work` until it returns a value, and waits for the stream in between. */
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
    borrows: ["[method]output-stream.write"],
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
