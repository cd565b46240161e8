import { refuse } from "./preview1.ts";
import type { State } from "./state.ts";

/** What a guest reads on descriptor 0. */
export type WasiInput =
  | { readonly kind: "empty" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Reads at least one byte into the buffer, or `null` at the end. The guest is suspended until it answers. */
  | { readonly kind: "stream"; readonly read: (buffer: Uint8Array) => Promise<number | null> };

/**
 * Takes what a guest writes on descriptor 1 or 2. The bytes are the guest's memory or a buffer that the next write
 * overwrites: use or copy them before returning. Answers how many it took when those are not all; a promise of that
 * suspends the guest (`WasiOptions.outputWaits`). Throws `Deno.errors.BrokenPipe` when nobody reads any more; the guest
 * then gets `EPIPE`.
 */
export type WasiOutput = (bytes: Uint8Array) => number | void | Promise<number>;

const readAheadBytes = 65_536;

/** How long a look at a stream takes that nobody reads yet: what lies there already comes well before. */
const glanceMs = 5;

/** The standard input of a guest, made when it first looks at it. */
export function standardInput(state: State): StandardInput {
  return state.input ??= new StandardInput(state.stdin);
}

/** Standard input with what was read ahead, so that a poll can tell whether a read would wait. */
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

  /** Whether a read answers at once: bytes are there, or the end. */
  get isReady(): boolean {
    return this.#at < this.#buffer.length || this.#ended || this.#failure !== undefined;
  }

  /** Bytes that a read would give at once. */
  get available(): number {
    return this.#buffer.length - this.#at;
  }

  /** Waits until a read answers at once. */
  fill(): Promise<void> {
    return new Promise((resolve) => void this.whenReady(resolve));
  }

  /**
   * Sees whether something came, for those who do not wait for it. While a guest computes nothing comes, so that this
   * gives way in any case; the read that it begins goes on behind the guest's back.
   */
  glance(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => over(), this.#isReading ? 0 : glanceMs);
      const forget = this.whenReady(() => over());
      const over = () => {
        clearTimeout(timer);
        forget();
        resolve();
      };
    });
  }

  /**
   * Calls back once when a read answers at once, never before it returned. Answers what takes that back: a guest may ask
   * again and again for as long as nothing comes.
   */
  whenReady(call: () => void): () => void {
    this.#waiting.add(call);
    if (!this.#isReading) void this.#read();
    return () => this.#waiting.delete(call);
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
    for (const call of waiting) call();
  }

  /** Moves what is there into the buffer; 0 at the end. Only when `isReady`. */
  take(into: Uint8Array): number {
    if (this.#failure !== undefined) refuse("EIO");
    const bytes = this.#buffer.subarray(this.#at, this.#at + into.length);
    into.set(bytes);
    this.#at += bytes.length;
    return bytes.length;
  }

  /** Puts given bytes back to their start; what came from a stream is gone. */
  rewind(): void {
    if (this.#source.kind === "bytes") this.#at = 0;
  }
}
