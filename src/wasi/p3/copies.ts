import { setImmediate } from "node:timers";
import type { Value } from "../../component/abi/codec.ts";
import type {
  Elements,
  ReadableBuffer,
  WritableBuffer,
} from "../../component/async/copy_buffers.ts";
import { copyResults, SharedFuture, SharedStream } from "../../component/async/shared_copies.ts";
import type { HostTasks } from "../../component/instance/host.ts";
import { type IoError, StreamEnd } from "../p2/stream_end.ts";
import type { InputStream, OutputStream, Pollable } from "../p2/stream_types.ts";

/** Most bytes that the host moves at a time. */
const maxChunk = 65_536;
/** Most bytes that the host moves before other calls continue. */
const maxBytesPerTurn = 1 << 20;

/** Bytes or values of the host that a guest reads. */
class HostSource implements ReadableBuffer {
  readonly isEmpty = false;
  readonly #elements: Uint8Array | readonly Value[];
  #taken = 0;

  constructor(elements: Uint8Array | readonly Value[]) {
    this.#elements = elements;
  }

  get remaining(): number {
    return this.#elements.length - this.#taken;
  }

  read(count: number): Elements {
    const elements = this.#elements;
    const start = this.#taken;
    this.#taken += count;
    return elements instanceof Uint8Array
      ? elements.subarray(start, this.#taken)
      : elements.slice(start, this.#taken);
  }
}

/** A write of nothing, which ends when the guest reads. */
const probe: ReadableBuffer = { remaining: 0, isEmpty: true, read: () => [] };

/** Values that come over time, as `InputStream` has bytes. */
export interface ValueInput extends Pollable {
  /** Returns the next value, or undefined if it has to wait. @throws StreamEnd */
  take(): Value | undefined;
  /** @param unread a value that was taken and that the guest did not read. */
  close(unread: Value | undefined): void;
}

/** Room of the host for bytes that a guest writes. */
class BytesTarget implements WritableBuffer {
  readonly isEmpty = false;
  remaining: number;
  readonly #write: (bytes: Uint8Array) => void;

  constructor(room: number, write: (bytes: Uint8Array) => void) {
    this.remaining = room;
    this.#write = write;
  }

  write(elements: Elements): void {
    this.remaining -= elements.length;
    this.#write(elements as Uint8Array);
  }
}

/** Continues when a stream of the host is ready. Returns a function that stops waiting. */
function whenReady(tasks: HostTasks, pollable: Pollable, next: () => void): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = pollable.whenReady(resolve);
  const work = tasks.add(promise, next);
  return () => {
    stop();
    work.cancel();
  };
}

/**
 * Returns a stream from which a guest reads an input of the host.
 *
 * @param onEnd called at the end of `input`, with the error if it failed, and when the guest drops
 * the stream.
 */
export function streamFrom(
  tasks: HostTasks,
  input: InputStream,
  onEnd: (error?: IoError) => void = () => {},
): SharedStream {
  const stream = SharedStream.ofHost();
  let stopWaiting: () => void = () => {};
  const finish = (error?: IoError) => {
    stopWaiting();
    stream.onDrop = () => {};
    stream.drop();
    input.close();
    onEnd(error);
  };
  stream.onDrop = finish;
  const write = (source: HostSource) =>
    stream.write(undefined, source, {
      onCopy: (reclaim) => {
        if (source.remaining > 0) return;
        reclaim();
        next();
      },
      onDone: (result) => {
        if (result === copyResults.dropped) return finish();
        // A reader of the host may drop the stream while it takes the bytes.
        if (stream.isDropped) return;
        if (source.remaining > 0) write(source);
        else next();
      },
    });
  const next = (): void => {
    let bytes: Uint8Array;
    try {
      // A copy: the guest may take its parts later.
      bytes = input.read(maxChunk).slice();
    } catch (error) {
      if (!(error instanceof StreamEnd)) throw error;
      return finish(error.error);
    }
    if (bytes.length > 0) write(new HostSource(bytes));
    else stopWaiting = whenReady(tasks, input, next);
  };
  next();
  return stream;
}

/**
 * Returns a stream from which a guest reads an input that is always ready, such as a file: as much
 * as each read asks for, as it is at that time.
 *
 * @param onEnd as for `streamFrom`.
 */
export function streamOfReady(
  input: InputStream,
  onEnd: (error?: IoError) => void,
): SharedStream {
  const stream = SharedStream.ofHost();
  const finish = (error?: IoError) => {
    stream.onDrop = () => {};
    stream.drop();
    input.close();
    onEnd(error);
  };
  stream.onDrop = () => finish();
  stream.onRead = (count) => {
    let bytes: Uint8Array;
    try {
      // A read of nothing ends when there is something to read.
      bytes = input.read(Math.min(Math.max(count, 1), maxChunk));
    } catch (error) {
      if (!(error instanceof StreamEnd)) throw error;
      return finish(error.error);
    }
    const source = new HostSource(bytes);
    stream.write(undefined, source, {
      onCopy: (reclaim) => {
        if (source.remaining === 0) reclaim();
      },
      onDone: () => finish(),
    });
  };
  return stream;
}

/**
 * Returns a stream from which a guest reads values that come over time. The next one is taken only
 * when the guest reads.
 */
export function streamOnDemand(tasks: HostTasks, input: ValueInput): SharedStream {
  const stream = SharedStream.ofHost();
  let stopWaiting: () => void = () => {};
  const finish = (unread?: Value) => {
    stopWaiting();
    stream.onDrop = () => {};
    stream.drop();
    input.close(unread);
  };
  stream.onDrop = () => finish();
  const awaitRead = (): void =>
    stream.write(undefined, probe, {
      onCopy: () => {},
      onDone: (result) => {
        if (result === copyResults.dropped) return finish();
        // The read is pending only after this.
        stopWaiting = tasks.add(Promise.resolve(), next).cancel;
      },
    });
  const write = (value: Value, source: HostSource): void =>
    stream.write(undefined, source, {
      onCopy: (reclaim) => {
        reclaim();
        awaitRead();
      },
      onDone: (result) => {
        if (source.remaining === 0) awaitRead();
        else if (result === copyResults.dropped) finish(value);
        else write(value, source);
      },
    });
  const next = (): void => {
    let value: Value | undefined;
    try {
      value = input.take();
    } catch (error) {
      if (!(error instanceof StreamEnd)) throw error;
      return finish();
    }
    if (value === undefined) stopWaiting = whenReady(tasks, input, next);
    else write(value, new HostSource([value]));
  };
  awaitRead();
  return stream;
}

/** Returns a stream from which a guest reads values that are there. */
export function streamOf(values: readonly Value[]): SharedStream {
  const stream = SharedStream.ofHost();
  const source = new HostSource(values);
  const onCopy = (reclaim: () => void) => {
    if (source.remaining > 0) return;
    reclaim();
    stream.drop();
  };
  if (values.length === 0) stream.drop();
  else stream.write(undefined, source, { onCopy, onDone: () => {} });
  return stream;
}

/** Returns a stream of the host that has no elements. */
export function emptyStream(): SharedStream {
  const stream = SharedStream.ofHost();
  stream.drop();
  return stream;
}

/**
 * Copies a stream that a guest writes to an output of the host.
 *
 * @param onEnd called once the guest has dropped its end, or with the end of `output`.
 */
export function drainInto(
  tasks: HostTasks,
  stream: SharedStream,
  output: OutputStream,
  onEnd: (end?: StreamEnd) => void,
): void {
  let failed: StreamEnd | undefined;
  let bytesThisTurn = 0;
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof StreamEnd)) throw error;
      failed = error;
    }
  };
  const next = (): void => {
    const room = failed ? undefined : attempt(() => output.checkWrite());
    if (failed || room === undefined) {
      stream.drop();
      return onEnd(failed);
    }
    if (room === 0) {
      whenReady(tasks, output, next);
      return;
    }
    const target = new BytesTarget(
      Math.min(room, maxChunk),
      (bytes) => {
        bytesThisTurn += bytes.length;
        attempt(() => output.write(bytes));
      },
    );
    stream.read(undefined, target, {
      // The guest has written, which its deadline limits.
      onCopy: (reclaim) => {
        bytesThisTurn = 0;
        reclaim();
        next();
      },
      onDone: (result) => result === copyResults.dropped ? onEnd() : proceed(),
    });
  };
  // The bytes may be those of a file, or of one large write.
  const proceed = (): void => {
    if (bytesThisTurn < maxBytesPerTurn) return next();
    bytesThisTurn = 0;
    tasks.add(new Promise<void>((resolve) => setImmediate(resolve)), next);
  };
  next();
}

/** A future of the host. */
export interface HostFuture {
  readonly future: SharedFuture;
  /** Sets its value, once. */
  resolve(value: Value): void;
}

/** Returns a future from which a guest reads a value of the host. */
export function hostFuture(): HostFuture {
  const future = SharedFuture.ofHost();
  const resolve = (value: Value) => {
    let remaining = 1;
    const source: ReadableBuffer = {
      get remaining() {
        return remaining;
      },
      isEmpty: false,
      read: () => {
        remaining = 0;
        return [value];
      },
    };
    future.write(undefined, source, { onCopy: () => {}, onDone: () => {} });
  };
  return { future, resolve };
}

/** Returns a future that has its value already. */
export function resolvedFuture(value: Value): SharedFuture {
  const { future, resolve } = hostFuture();
  resolve(value);
  return future;
}

/** Calls a listener with the value of a guest's future, or undefined if it never gets one. */
export function readFuture(
  future: SharedFuture,
  listener: (value: Value | undefined) => void,
): void {
  let found: Value;
  let remaining = 1;
  const target: WritableBuffer = {
    get remaining() {
      return remaining;
    },
    isEmpty: false,
    write: (elements) => {
      remaining = 0;
      found = (elements as readonly Value[])[0];
    },
  };
  future.read(undefined, target, { onCopy: () => {}, onDone: () => listener(found) });
}
