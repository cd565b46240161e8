import { CapsuleError } from "../base/errors.ts";
import { assertModule, isComponentHeader } from "./read_module.ts";

/** Ids of sections, and the highest one: the tag section of exception handling. */
const sections = { function: 3, code: 10, data: 11, dataCount: 12, last: 13 } as const;
/** The highest id of a component's sections: values. No section requires another one. */
const lastOfComponent = 12;

/** A position in the format: in the header, before an id, in a size, or in a section's content. */
type Position = "header" | "id" | "size" | "content";

/** The state of a walk: everything that a copy of it needs. */
interface WalkState {
  position: Position;
  /** The first eight bytes. */
  header: Uint8Array;
  /** The number of bytes walked. */
  offset: number;
  /** The section that is being read, the bytes of its LEB128 size, and the bytes left in it. */
  id: number;
  sizeBytes: number;
  left: number;
  /** Sections that other sections require. */
  needs: { code: boolean; data: boolean };
  /** The reason why the bytes are not a module. */
  broken: string | undefined;
}

/**
 * Walks over the sections of a module or a component as its bytes arrive, without keeping
 * them. It is complete when it ends with a section and no required section is missing: a
 * download that broke off is found unless it broke off before optional sections.
 *
 * The bytes: `00 61 73 6d 01 00 00 00`, then sections, each `id size content`, size as LEB128.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */
export class SectionWalk {
  #state: WalkState;

  constructor() {
    this.#state = {
      position: "header",
      header: new Uint8Array(0),
      offset: 0,
      id: 0,
      sizeBytes: 0,
      left: 0,
      needs: { code: false, data: false },
      broken: undefined,
    };
  }

  /** Returns a walk in the same state, independent of this one. */
  copy(): SectionWalk {
    const copy = new SectionWalk();
    copy.#state = { ...this.#state, needs: { ...this.#state.needs } };
    return copy;
  }

  /** Reports whether the bytes cannot be a module, whatever follows. */
  get isBroken(): boolean {
    return this.#state.broken !== undefined;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.isBroken;) at = this.#step(bytes, at);
    this.#state.offset += bytes.length;
  }

  /**
   * Returns why the bytes so far are not a complete module, as `NOT_A_MODULE`; `undefined` if they
   * are one.
   *
   * @param name the module's name in the message.
   */
  fault(name: string): CapsuleError | undefined {
    const { header, broken, position, needs } = this.#state;
    try {
      assertModule(header, name);
    } catch (error) {
      if (error instanceof CapsuleError) return error;
      throw error;
    }
    const missing = needs.code ? "code" : needs.data ? "data" : undefined;
    const why = broken ??
      (position !== "id" ? "it ends in the middle of a section" : undefined) ??
      (missing && `its ${missing} section is missing`);
    if (why === undefined) return undefined;
    return new CapsuleError("NOT_A_MODULE", `${name} is not a WebAssembly module: ${why}`);
  }

  /** Walks over some bytes from `at` and returns the position after them. */
  #step(bytes: Uint8Array, at: number): number {
    const state = this.#state;
    const byte = bytes[at] ?? 0;
    switch (state.position) {
      case "header":
        return this.#readHeader(bytes, at);
      case "id":
        if (byte > (this.#isComponent ? lastOfComponent : sections.last)) {
          state.broken = `there is no section ${byte} (at byte ${state.offset + at})`;
        }
        Object.assign(state, { position: "size", id: byte, left: 0, sizeBytes: 0 });
        return at + 1;
      case "size":
        // Multiplied, not shifted: the fifth byte reaches beyond 31 bits.
        state.left += (byte & 0x7f) * 2 ** (7 * state.sizeBytes++);
        if (state.sizeBytes > 5 || state.left >= 2 ** 32) {
          state.broken = "the size of a section is over 32 bits";
        } else if (byte < 0x80) this.#beginContent();
        return at + 1;
      case "content": {
        const walked = Math.min(state.left, bytes.length - at);
        if (state.id === sections.dataCount && !this.#isComponent) {
          state.needs.data ||= (byte & 0x7f) !== 0;
        }
        state.left -= walked;
        if (state.left === 0) state.position = "id";
        return at + walked;
      }
    }
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    const state = this.#state;
    const part = bytes.subarray(at, at + 8 - state.header.length);
    state.header = Uint8Array.of(...state.header, ...part);
    if (state.header.length === 8) {
      state.position = "id";
      state.broken = this.fault("")?.message;
    }
    return at + part.length;
  }

  #beginContent(): void {
    const { id, left, needs } = this.#state;
    this.#state.position = left === 0 ? "id" : "content";
    if (this.#isComponent) return;
    // One byte is a count of 0.
    if (id === sections.function && left > 1) needs.code = true;
    if (id === sections.code) needs.code = false;
    if (id === sections.data) needs.data = false;
  }

  get #isComponent(): boolean {
    return isComponentHeader(this.#state.header);
  }
}
