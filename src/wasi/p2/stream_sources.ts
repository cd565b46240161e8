import { ready } from "./poll.ts";
import { IoError, StreamEnd } from "./stream_end.ts";
import type { InputStream, OutputStream } from "./stream_types.ts";

/** Most bytes that one write takes. */
const maxWrite = 1 << 20;

/** An input stream over bytes in memory. */
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

/** An output stream to a function that never waits. */
export class FunctionOutput implements OutputStream {
  readonly #write: (bytes: Uint8Array) => void;

  /** @param write may throw `Deno.errors.BrokenPipe`, which closes the stream. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  checkWrite(): number {
    return maxWrite;
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

/** An input stream over chunks, such as those of a web stream; it reads one chunk ahead. */
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

  /** Begins to read, so that a guest that only asks for readiness sees it. */
  isReady(): boolean {
    if (this.#rest.length > 0 || this.#end !== undefined) return true;
    this.#reading ??= this.#read();
    return false;
  }

  whenReady(listener: () => void): () => void {
    if (this.isReady()) return ready.whenReady(listener);
    this.#listeners.add(listener);
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
