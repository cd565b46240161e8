import { hex, malformed, Reader, UnknownConstruct } from "./reader.ts";
import { CapsuleError } from "../../base/errors.ts";

/**
 * Numbers of the sections (https://webassembly.github.io/spec/core/binary/modules.html#sections).
 */
export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Order of the sections in a file; custom sections may be anywhere. */
export const sectionOrder: readonly number[] = [
  SectionId.type,
  SectionId.import,
  SectionId.function,
  SectionId.table,
  SectionId.memory,
  SectionId.tag,
  SectionId.global,
  SectionId.export,
  SectionId.start,
  SectionId.element,
  SectionId.dataCount,
  SectionId.code,
  SectionId.data,
];

/** One section, as offsets from the start of the file. */
export interface Section {
  id: number;
  /** Width of the size, padding included, in bytes. */
  sizeWidth: number;
  /** Offset of the first byte after the size. */
  start: number;
  /** Offset one past the last byte. */
  end: number;
  /** Name of a custom section; "" otherwise. */
  name: string;
  /** Offset of the first byte after the name of a custom section; `start` otherwise. */
  content: number;
}

/**
 * Calls `visit` for each section of a module. Throws `CapsuleError` `LOAD` when the header, a size
 * or the order is wrong, `UnknownConstruct` for a section that is not in the list.
 */
export function visitSections(bytes: Uint8Array, visit: (section: Section) => void): void {
  readHeader(bytes);
  const reader = new Reader(bytes, 8);
  let rank = -1;
  while (!reader.done) {
    const at = reader.at;
    const id = reader.byte("section number");
    const size = reader.u32("section size");
    const sizeWidth = reader.at - at - 1;
    const start = reader.at;
    if (size > bytes.length - start) {
      throw malformed(
        `section ${id} has a size of ${size} bytes, but the file ends after ${
          bytes.length - start
        }`,
        at,
      );
    }
    const section = { id, sizeWidth, start, end: start + size, name: "", content: start };
    if (id === SectionId.custom) {
      const inside = new Reader(bytes, start, section.end);
      section.name = inside.name("name of a custom section");
      section.content = inside.at;
    } else {
      const place = sectionOrder.indexOf(id);
      if (place < 0) throw new UnknownConstruct(hex(id), at, "a section");
      if (place <= rank) throw malformed(`section ${id} is repeated or out of order`, at);
      rank = place;
    }
    visit(section);
    reader.at = section.end;
  }
}

function readHeader(bytes: Uint8Array): void {
  if (bytes[0] !== 0x00 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    throw otherFile(bytes);
  }
  if (bytes.length < 8) throw malformed("the version is cut off", bytes.length);
  const version = (bytes[4] ?? 0) + (bytes[5] ?? 0) * 256;
  const layer = (bytes[6] ?? 0) + (bytes[7] ?? 0) * 256;
  if (layer !== 0) {
    throw new CapsuleError(
      "LOAD",
      "Cannot read the module: it is a WebAssembly component, not a core module",
    );
  }
  if (version !== 1) {
    throw malformed(`version ${version} is not 1`, 4);
  }
}

function otherFile(bytes: Uint8Array): CapsuleError {
  const seen = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
  return new CapsuleError(
    "LOAD",
    `Cannot read the module: a WebAssembly file begins with the bytes 00 61 73 6d, this one with ${
      seen || "nothing"
    }`,
  );
}
