import { Reader } from "./format/reader.ts";

const sectionIds = { type: 1, tag: 13 } as const;

/**
 * Reports whether a module can keep objects in V8's heap, beside its memories and tables:
 * exceptions and what the garbage collector manages. These have no maximum.
 *
 * @throws CapsuleError `LOAD` if the module cannot be read.
 */
export function usesHeap(bytes: Uint8Array): boolean {
  const reader = new Reader(bytes, 8);
  while (!reader.done) {
    const id = reader.byte("section number");
    const size = reader.u32("section size");
    const start = reader.at;
    reader.skip(size, "section");
    if (id === sectionIds.tag) return true;
    if (id === sectionIds.type && hasHeapTypes(new Reader(bytes, start, reader.at))) return true;
  }
  return false;
}

/** Reports whether there are types other than functions' in a section of types. */
function hasHeapTypes(reader: Reader): boolean {
  for (let left = reader.count("types"); left > 0; left--) {
    if (reader.byte("type") !== 0x60) return true;
    for (let lists = 2; lists > 0; lists--) {
      for (let types = reader.count("types", 1000); types > 0; types--) reader.skipType();
    }
  }
  return false;
}
