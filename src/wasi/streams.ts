import { Errno, type ErrnoName, refuse } from "./preview1.ts";

/** The source of descriptor 0. */
export type WasiInput =
  | { readonly kind: "empty" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Reads at least one byte; resolves to null at the end. The guest is suspended meanwhile. */
  | { readonly kind: "stream"; readonly read: (buffer: Uint8Array) => Promise<number | null> };

/**
 * Takes bytes that a guest writes on descriptor 1 or 2. They are a view of the guest's memory, or
 * of a buffer that the next write overwrites: use or copy them before returning.
 *
 * Returns the number of bytes taken, undefined for all. A promise suspends the guest
 * (`WasiOptions.outputWaits`). Throws `Deno.errors.BrokenPipe` when the reader is gone; the guest
 * gets `EPIPE`.
 */
export type WasiOutput = (bytes: Uint8Array) => number | void | Promise<number>;

const readAheadBytes = 65_536;

/** How long a peek waits for a stream that is not being read yet, in milliseconds. */
const peekMs = 5;

/** Returns the reader of a guest's standard input, which it makes on first use. */
export function standardInput(
  holder: { readonly stdin: WasiInput; input: StandardInput | undefined },
): StandardInput {
  return holder.input ??= new StandardInput(holder.stdin);
}

/** Standard input with a read-ahead buffer, so that a poll knows whether a read would wait. */
export class StandardInput {
  readonly #source: WasiInput;
  #buffer: Uint8Array;
  #at = 0;
  #ended: boolean;
  #failure: unknown;
  #isReading = false;
  readonly #waiting = new Set<() => void>();

  constructor(source: WasiInput) {
    this.#source = source;
    this.#buffer = source.kind === "bytes" ? source.bytes : new Uint8Array(0);
    this.#ended = source.kind !== "stream";
  }

  /** Reports whether a read returns immediately: with bytes, at the end, or with an error. */
  get isReady(): boolean {
    return this.#at < this.#buffer.length || this.#ended || this.#failure !== undefined;
  }

  /** The number of buffered bytes. */
  get available(): number {
    return this.#buffer.length - this.#at;
  }

  /** Resolves when a read returns immediately. */
  fill(): Promise<void> {
    return new Promise((resolve) => void this.whenReady(resolve));
  }

  /**
   * Waits a moment for bytes, for guests that read without blocking. No bytes arrive while a guest
   * computes, so this always yields to the event loop. A read that it begins continues after it.
   */
  peek(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(), this.#isReading ? 0 : peekMs);
      const cancel = this.whenReady(() => finish());
      const finish = () => {
        clearTimeout(timer);
        cancel();
        resolve();
      };
    });
  }

  /**
   * Calls `listener` once when a read returns immediately, never before this returns. Returns a
   * function that cancels it.
   */
  whenReady(listener: () => void): () => void {
    this.#waiting.add(listener);
    if (!this.#isReading) void this.#read();
    return () => this.#waiting.delete(listener);
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    if (!this.isReady && this.#source.kind === "stream") {
      const buffer = new Uint8Array(readAheadBytes);
      try {
        const length = await this.#source.read(buffer);
        if (length === null) this.#ended = true;
        this.#buffer = buffer.subarray(0, length ?? 0);
        this.#at = 0;
      } catch (error) {
        this.#failure = error;
      }
    } else await undefined;
    this.#isReading = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const listener of waiting) listener();
  }

  /** Moves buffered bytes to `into` and returns their number, 0 at the end. Requires `isReady`. */
  take(into: Uint8Array): number {
    if (this.#failure !== undefined) refuse(errnoName(this.#failure));
    const bytes = this.#buffer.subarray(this.#at, this.#at + into.length);
    into.set(bytes);
    this.#at += bytes.length;
    return bytes.length;
  }

  /** Starts again at the first byte. A stream cannot be rewound and continues. */
  rewind(): void {
    if (this.#source.kind === "bytes") this.#at = 0;
  }
}

/** Returns the name of a read error, such as `EISDIR` of a directory; `EIO` without a known one. */
function errnoName(error: unknown): ErrnoName {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return Object.hasOwn(Errno, code) ? code as ErrnoName : "EIO";
}
