import { codecOf, type Value } from "../abi/codec.ts";
import { type AbiContext, checkRange, trap } from "../abi/context.ts";
import { layoutOf } from "../abi/layout.ts";
import type { ComponentValueType } from "../types/types.ts";

/** Most elements that one read or write of a stream moves. */
const maxBufferLength = 2 ** 28 - 1;

/**
 * Elements of a stream in transit: bytes for `u8`, values for other types, and only their number
 * where elements have no type.
 */
export type Elements = Uint8Array | readonly Value[] | { readonly length: number };

/** Source of the elements that a stream or future moves. */
export interface ReadableBuffer {
  /** Elements that are left. */
  readonly remaining: number;
  /** True if it was made for no elements. */
  readonly isEmpty: boolean;
  /** Takes up to `remaining` elements. Bytes are valid until guest code runs. */
  read(count: number): Elements;
}

/** Target of the elements that a stream or future moves. */
export interface WritableBuffer {
  /** Number of elements that still fit. */
  readonly remaining: number;
  readonly isEmpty: boolean;
  /** Takes elements, which must be copied if they are kept. */
  write(elements: Elements): void;
}

/**
 * A buffer in the memory of a guest.
 *
 * @see CanonicalABI.md, "Buffer State"
 */
export class GuestBuffer implements ReadableBuffer, WritableBuffer {
  /** Elements that were moved. */
  progress = 0;
  readonly #element: ComponentValueType | undefined;
  readonly #context: AbiContext;
  readonly #size: number;
  readonly #length: number;
  #pointer: number;

  /** @throws a trap if it is too long or not in the memory. */
  constructor(
    element: ComponentValueType | undefined,
    context: AbiContext,
    { pointer, length }: { pointer: number; length: number },
  ) {
    if (length > maxBufferLength) throw trap(`a buffer of ${length} elements is too long`);
    this.#size = 0;
    if (element && length > 0) {
      const { size, alignment } = layoutOf(element);
      checkRange(context, pointer, { size: size * length, alignment });
      this.#size = size;
    }
    this.#element = element;
    this.#context = context;
    this.#pointer = pointer;
    this.#length = length;
  }

  get remaining(): number {
    return this.#length - this.progress;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  read(count: number): Elements {
    const context = this.#context;
    const at = this.#advance(count);
    if (!this.#element) return { length: count };
    if (this.#element.kind === "u8") return context.memory.bytes.subarray(at, at + count);
    const codec = codecOf(this.#element);
    const values: Value[] = [];
    for (let index = 0; index < count; index++) {
      context.countLifted(this.#size);
      values.push(codec.load(context, at + index * this.#size));
    }
    return values;
  }

  write(elements: Elements): void {
    const context = this.#context;
    const at = this.#advance(elements.length);
    if (!this.#element) return;
    if (elements instanceof Uint8Array) return context.memory.bytes.set(elements, at);
    const codec = codecOf(this.#element);
    const values = elements as readonly Value[];
    for (let index = 0; index < values.length; index++) {
      codec.store(context, values[index], at + index * this.#size);
    }
  }

  #advance(count: number): number {
    const at = this.#pointer;
    this.#pointer += count * this.#size;
    this.progress += count;
    return at;
  }
}
