import { StreamEnd } from "../stream_end.ts";
import { ChunkInput } from "../stream_sources.ts";
import type { InputStream, OutputStream } from "../stream_types.ts";
import { streamError } from "./socket_error.ts";
import { Waiters } from "./waiters.ts";

const chunkBytes = 65_536;
/** Most bytes that wait to be sent. */
const highWaterBytes = 65_536;

/** The receiving side of a connection. It reads one chunk ahead. */
export class TcpInput implements InputStream {
  readonly #chunks: ChunkInput;
  readonly #onClose: () => void;
  #isClosed = false;

  /** @param onClose called when the guest drops the stream. */
  constructor(connection: Pick<Deno.TcpConn, "read">, onClose: () => void) {
    this.#onClose = onClose;
    // The next chunk is read when nothing of the last one is left.
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    this.#chunks = new ChunkInput({
      next: async () => {
        buffer ??= new Uint8Array(chunkBytes);
        const count = await connection.read(buffer);
        return count === null ? undefined : buffer.subarray(0, count);
      },
      cancel: () => {},
      failure: streamError,
    });
  }

  isReady(): boolean {
    return this.#isClosed || this.#chunks.isReady();
  }

  whenReady(listener: () => void): () => void {
    return this.#chunks.whenReady(listener);
  }

  read(length: number): Uint8Array<ArrayBuffer> {
    if (this.#isClosed) throw new StreamEnd();
    return this.#chunks.read(length);
  }

  /** Ends the stream; what has arrived is discarded. */
  shutdown(): void {
    this.#isClosed = true;
    this.#chunks.close();
  }

  close(): void {
    this.shutdown();
    this.#onClose();
  }
}

/** The sending side of a connection. It takes bytes while up to 64 KiB wait to be sent. */
export class TcpOutput implements OutputStream {
  readonly #connection: Pick<Deno.TcpConn, "write" | "closeWrite">;
  readonly #onClose: () => void;
  readonly #waiters = new Waiters();
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #sending: Promise<void> | undefined;
  #isFlushing = false;
  #end: StreamEnd | undefined;

  /** @param onClose called when the guest drops the stream. */
  constructor(connection: Pick<Deno.TcpConn, "write" | "closeWrite">, onClose: () => void) {
    this.#connection = connection;
    this.#onClose = onClose;
  }

  /** Resolves when nothing waits to be sent. */
  get sent(): Promise<void> {
    return this.#sending ?? Promise.resolve();
  }

  isReady(): boolean {
    if (this.#end) return true;
    return this.#isFlushing ? this.#buffered === 0 : this.#buffered < highWaterBytes;
  }

  whenReady(listener: () => void): () => void {
    return this.#waiters.wait(this, listener);
  }

  checkWrite(): number {
    this.#throwEnd();
    return this.#isFlushing && this.#buffered > 0 ? 0 : highWaterBytes - this.#buffered;
  }

  write(bytes: Uint8Array): void {
    this.#throwEnd();
    if (bytes.length === 0) return;
    this.#isFlushing = false;
    this.#chunks.push(bytes.slice());
    this.#buffered += bytes.length;
    this.#sending ??= this.#send();
  }

  flush(): void {
    this.#throwEnd();
    this.#isFlushing = true;
  }

  /** Ends the stream: sends the bytes that wait, then the end of the stream. */
  shutdown(): void {
    if (this.#end) return;
    this.#end = new StreamEnd();
    this.#waiters.notify();
    // The peer may have closed the connection.
    void this.sent.then(() => this.#connection.closeWrite()).catch(() => {});
  }

  close(): void {
    this.#end ??= new StreamEnd();
    this.#onClose();
  }

  /** An error is thrown once; after it the stream is closed. */
  #throwEnd(): void {
    const end = this.#end;
    if (!end) return;
    this.#end = new StreamEnd();
    throw end;
  }

  async #send(): Promise<void> {
    try {
      while (this.#chunks.length > 0) await this.#sendBytes(concat(this.#chunks.splice(0)));
    } catch (error) {
      this.#chunks = [];
      this.#buffered = 0;
      this.#end ??= new StreamEnd(streamError(error));
      this.#waiters.notify();
    }
    this.#sending = undefined;
  }

  async #sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const count = await this.#connection.write(bytes.subarray(at));
      at += count;
      this.#buffered -= count;
      if (this.isReady()) this.#waiters.notify();
    }
  }
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const all = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
