import { trap } from "../abi/context.ts";
import type { ComponentValueType } from "../types/types.ts";
import type { ReadableBuffer, WritableBuffer } from "./copy_buffers.ts";

/** Results of a read or write of a stream or future, as core code receives them. */
export const copyResults = { completed: 0, dropped: 1, cancelled: 2 } as const;
/** One of `copyResults`. */
export type CopyResult = typeof copyResults[keyof typeof copyResults];

/** The component instance that copies; undefined for the host. */
type Party = object | undefined;

/** The read or write that waits for the other end. */
interface Pending {
  readonly party: Party;
  readonly buffer: ReadableBuffer | WritableBuffer;
  /** Called after a part was copied, with a function that ends the read or write. */
  readonly onCopy: (reclaim: () => void) => void;
  readonly onDone: (result: CopyResult) => void;
}

/** Listeners of a read or write. */
export interface CopyListeners {
  readonly onCopy: Pending["onCopy"];
  readonly onDone: Pending["onDone"];
}

/** The state that the two ends of a stream or future share. */
abstract class SharedCopy {
  protected pending: Pending | undefined;
  #element: ComponentValueType | undefined;
  /** True if the host made it and no guest has an end of it yet. */
  #isOfHost: boolean;
  #isDropped = false;
  /** Called when an end is dropped while no read or write waits for the other. */
  onDrop: () => void = () => {};

  constructor(element: ComponentValueType | undefined, isOfHost = false) {
    this.#element = element;
    this.#isOfHost = isOfHost;
  }

  /** The type of its elements; undefined if they have none. */
  get element(): ComponentValueType | undefined {
    return this.#element;
  }

  /** Sets the type of the elements of one that the host made. Call when a guest gets an end. */
  adopt(element: ComponentValueType | undefined): void {
    if (!this.#isOfHost) return;
    this.#isOfHost = false;
    this.#element = element;
  }

  /** True once one end was dropped. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** True while a read or write waits for the other end. */
  get isPending(): boolean {
    return this.pending !== undefined;
  }

  /** Ends the read or write of a buffer, if it is pending. */
  cancel(buffer: unknown): void {
    if (this.pending?.buffer === buffer) this.endPending(copyResults.cancelled);
  }

  /** Call when one end is dropped. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    if (this.pending) this.endPending(copyResults.dropped);
    else this.onDrop();
  }

  abstract read(party: Party, buffer: WritableBuffer, listeners: CopyListeners): void;
  abstract write(party: Party, buffer: ReadableBuffer, listeners: CopyListeners): void;

  protected endPending(result: CopyResult): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.onDone(result);
  }

  /** @throws a trap if one instance copies values to itself, which its `realloc` could observe. */
  protected refuseSelf(party: Party, pending: Pending): void {
    if (party === undefined || party !== pending.party) return;
    if (this.element === undefined || numbers.has(this.element.kind)) return;
    throw trap("cannot read from and write to intra-component future/stream");
  }
}

const numbers: ReadonlySet<string> = new Set(
  ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"],
);

/** A stream between two ends. @see CanonicalABI.md, "Stream State" */
export class SharedStream extends SharedCopy {
  readonly kind = "stream";
  /** Called before a read of up to `count` elements for which no write waits. */
  onRead: (count: number) => void = () => {};

  /** Returns a stream of the host, whose elements are of the type that a guest expects. */
  static ofHost(): SharedStream {
    return new SharedStream(undefined, true);
  }

  read(party: Party, buffer: WritableBuffer, listeners: CopyListeners): void {
    if (!this.isPending && !this.isDropped) this.onRead(buffer.remaining);
    this.#copy({ party, buffer, ...listeners }, (source, count) => {
      buffer.write((source as ReadableBuffer).read(count));
    }, false);
  }

  write(party: Party, buffer: ReadableBuffer, listeners: CopyListeners): void {
    this.#copy({ party, buffer, ...listeners }, (target, count) => {
      (target as WritableBuffer).write(buffer.read(count));
    }, buffer.isEmpty);
  }

  /** @param isProbe true if it is a write of nothing, which ends when the reader is ready. */
  #copy(
    own: Pending,
    move: (other: Pending["buffer"], count: number) => void,
    isProbe: boolean,
  ): void {
    const { pending } = this;
    if (this.isDropped) return own.onDone(copyResults.dropped);
    if (!pending) {
      this.pending = own;
      return;
    }
    this.refuseSelf(own.party, pending);
    const other = pending.buffer;
    if (other.remaining > 0) {
      const count = Math.min(own.buffer.remaining, other.remaining);
      if (count > 0) {
        move(other, count);
        pending.onCopy(() => this.pending = undefined);
      }
      own.onDone(copyResults.completed);
    } else if (isProbe && other.isEmpty) {
      own.onDone(copyResults.completed);
    } else {
      this.endPending(copyResults.completed);
      this.pending = own;
    }
  }
}

/** A future between two ends. @see CanonicalABI.md, "Future State" */
export class SharedFuture extends SharedCopy {
  readonly kind = "future";
  /** Called before a read for which no write waits. */
  onRead: () => void = () => {};

  /** Returns a future of the host, whose value is of the type that a guest expects. */
  static ofHost(): SharedFuture {
    return new SharedFuture(undefined, true);
  }

  read(party: Party, buffer: WritableBuffer, listeners: CopyListeners): void {
    const { pending } = this;
    if (!pending) {
      // A writer that was dropped has written, unless the host dropped it without a value.
      if (this.isDropped) throw trap("the writer of a future was dropped without a value");
      this.onRead();
      this.pending = { party, buffer, ...listeners };
      return;
    }
    this.refuseSelf(party, pending);
    buffer.write((pending.buffer as ReadableBuffer).read(1));
    this.endPending(copyResults.completed);
    listeners.onDone(copyResults.completed);
  }

  write(party: Party, buffer: ReadableBuffer, listeners: CopyListeners): void {
    const { pending } = this;
    if (this.isDropped) return listeners.onDone(copyResults.dropped);
    if (!pending) {
      this.pending = { party, buffer, ...listeners };
      return;
    }
    this.refuseSelf(party, pending);
    (pending.buffer as WritableBuffer).write(buffer.read(1));
    this.endPending(copyResults.completed);
    listeners.onDone(copyResults.completed);
  }
}

/** The state shared by the ends of a stream or of a future. */
export type SharedEnds = SharedStream | SharedFuture;
