import { incoming } from "./buffers.ts";

/** The size for an idle connection. */
const smallBytes = 4096;

/** The bytes of a connection that were read and not consumed, in a buffer that can be resized. */
export class ReadBuffer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(smallBytes);
  #start = 0;
  #end = 0;
  /** The buffer if it belongs to the pool. */
  #large: Uint8Array<ArrayBuffer> | undefined;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** The position in `bytes` of the first byte that is not consumed. */
  get start(): number {
    return this.#start;
  }

  /** The position in `bytes` after the last byte that was read. */
  get end(): number {
    return this.#end;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  consume(count: number): void {
    this.#start += count;
  }

  /** Returns a part of the buffer to read into; moves the bytes or doubles the buffer for it. */
  reserve(): Uint8Array<ArrayBuffer> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end === this.#bytes.length) {
      if (this.#start > 0) this.#moveTo(this.#bytes);
      else this.#replace(new Uint8Array(this.#bytes.length * 2));
    }
    return this.#bytes.subarray(this.#end);
  }

  /** Notes that `count` bytes were read into the part that `reserve` returned. */
  received(count: number): void {
    this.#end += count;
  }

  /** Takes a large buffer from the pool if the last read filled this one. */
  enlarge(): void {
    if (this.#end < this.#bytes.length || this.#large || this.length > smallBytes) return;
    const large = incoming.borrow();
    this.#moveTo(large);
    this.#bytes = this.#large = large;
  }

  /** Gives a large buffer back to the pool. No write from it may be pending. */
  shrink(): void {
    if (this.#bytes.length === smallBytes || this.length > smallBytes) return;
    this.#replace(new Uint8Array(smallBytes));
  }

  /** Resizes the buffer for the size of the last read. No write from it may be pending. */
  fit(count: number): void {
    if (count < smallBytes) this.shrink();
    else this.enlarge();
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#moveTo(bytes);
    if (this.#large) incoming.giveBack(this.#large);
    this.#large = undefined;
    this.#bytes = bytes;
  }

  #moveTo(bytes: Uint8Array): void {
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
  }
}
