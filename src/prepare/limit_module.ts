import { leb, lowerMaximum } from "./format/memory_limits.ts";
import { hex, Reader, UnknownConstruct } from "./format/reader.ts";

/** A module whose memories have a maximum, or the first construct that prevents that. */
export type LimitedModule =
  | { readonly kind: "limited"; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
    readonly kind: "unprepared";
    readonly bytes: Uint8Array;
    readonly unknown: Pick<UnknownConstruct, "opcode" | "offset" | "what">;
  };

const importSection = 2;
const memorySection = 5;

/**
 * Writes the maximum of a module's memories and changes nothing else: enough for a single call
 * without a time limit. Reads no section but imports and memories, and loads no other part of the
 * rewriter; V8 reports whatever else is wrong.
 *
 * Throws `CapsuleError` `LOAD` when a memory starts above `maxPages` pages of 64 KiB, or when
 * sections are cut off.
 */
export function limitModule(bytes: Uint8Array<ArrayBuffer>, maxPages: number): LimitedModule {
  const reader = new Reader(bytes, 8);
  const parts: Uint8Array[] = [];
  let from = 0;
  try {
    while (!reader.done) {
      const at = reader.at;
      const id = reader.byte("section number");
      const size = reader.u32("section size");
      const section = new Reader(bytes, reader.at, reader.at + size);
      reader.skip(size, "section");
      if (id !== importSection && id !== memorySection) continue;
      const content = id === importSection
        ? limitImports(section, maxPages)
        : limitMemories(section, maxPages);
      if (!content) continue;
      parts.push(bytes.subarray(from, at), new Uint8Array([id, ...leb(content.length)]), content);
      from = reader.at;
    }
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    return { kind: "unprepared", bytes, unknown: error };
  }
  if (parts.length === 0) return { kind: "limited", bytes };
  parts.push(bytes.subarray(from));
  return { kind: "limited", bytes: join(parts) };
}

/** Returns a memory section: one memory from 2 to 256 pages is `01 01 02 80 02`. */
function limitMemories(reader: Reader, maxPages: number): Uint8Array {
  const count = reader.count("memories");
  const content = leb(count);
  for (let left = count; left > 0; left--) content.push(...lowerMaximum(reader, maxPages));
  return new Uint8Array(content);
}

/** Returns an import section, or undefined when it imports no memory. */
function limitImports(reader: Reader, maxPages: number): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let from = reader.at;
  for (let left = reader.count("imports"); left > 0; left--) {
    reader.skip(reader.u32("length of a name"), "module of an import");
    reader.skip(reader.u32("length of a name"), "name of an import");
    if (reader.bytes[reader.at] !== 2) {
      skipImported(reader);
      continue;
    }
    reader.skip(1, "kind of an import");
    parts.push(reader.bytes.subarray(from, reader.at));
    parts.push(new Uint8Array(lowerMaximum(reader, maxPages)));
    from = reader.at;
  }
  if (parts.length === 0) return undefined;
  parts.push(reader.bytes.subarray(from, reader.end));
  return join(parts);
}

/** Skips the kind and type of an import that is not a memory. */
function skipImported(reader: Reader): void {
  const at = reader.at;
  const kind = reader.byte("kind of an import");
  if (kind === 0) return reader.skipLeb(5, "type of a function");
  if (kind === 4) {
    reader.skip(1, "tag");
    return reader.skipLeb(5, "type of a tag");
  }
  if (kind !== 1 && kind !== 3) throw new UnknownConstruct(hex(kind), at, "an import");
  const type = reader.byte("type of an import");
  if (type === 0x63 || type === 0x64) reader.skipLeb(5, "heap type");
  if (kind === 3) return reader.skip(1, "mutability of a global");
  const flags = reader.byte("limits");
  reader.skipLeb(10, "limits");
  if ((flags & 1) !== 0) reader.skipLeb(10, "limits");
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
