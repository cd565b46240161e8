import { CapsuleError } from "../../base/errors.ts";
import { hex, malformed, Reader } from "../../prepare/format/reader.ts";
import { decodeCanon } from "./decode_canon.ts";
import { decodeCoreType } from "./decode_core_type.ts";
import {
  decodeAlias,
  decodeCoreSort,
  decodeExternName,
  decodeOptional,
  decodeSort,
  decodeVector,
} from "./decode_parts.ts";
import { decodeExternType, decodeType } from "./decode_type.ts";
import type {
  ComponentSyntax,
  CoreInstanceSyntax,
  Definition,
  ExportSyntax,
  InstanceSyntax,
  NamedSortIndex,
} from "./syntax.ts";

/** Deepest nesting of components; each level is a call of this decoder. */
const maxDepth = 100;

/**
 * Decodes a component's binary. Index spaces are not resolved, names and types not validated.
 *
 * @throws CapsuleError `LOAD` with the offset if the bytes are malformed.
 */
export function decodeComponent(bytes: Uint8Array<ArrayBuffer>): ComponentSyntax {
  return decodeRange(bytes, { start: 0, end: bytes.length, depth: 0 });
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

function decodeRange(bytes: Uint8Array<ArrayBuffer>, range: Range): ComponentSyntax {
  const { start, end, depth } = range;
  if (depth > maxDepth) {
    throw malformed(`components are nested more than ${maxDepth} levels deep`, start);
  }
  const preamble = bytes.subarray(start, Math.min(start + 8, end));
  const [zero, a, s, m, , , layer, high] = preamble;
  if (zero !== 0 || a !== 0x61 || s !== 0x73 || m !== 0x6d || layer !== 1 || high !== 0) {
    throw malformed("a component has no preamble", start);
  }
  const version = (preamble[4] ?? 0) + (preamble[5] ?? 0) * 256;
  if (version !== 0x0d) throw malformed(`component version ${hex(version)} is not 0x0d`, start + 4);

  const definitions: Definition[] = [];
  const reader = new Reader(bytes, start + 8, end);
  while (!reader.done) {
    const offset = reader.at;
    const id = reader.byte("section number");
    const size = reader.u32("section size");
    if (size > reader.end - reader.at) throw malformed(`section ${id} is cut off`, offset);
    const section = new Reader(bytes, reader.at, reader.at + size);
    decodeSection(id, section, { definitions, depth, offset });
    if (!section.done) {
      throw malformed(`section ${id} has ${section.end - section.at} bytes too many`, section.at);
    }
    reader.at = section.end;
  }
  return { definitions };
}

interface Target {
  readonly definitions: Definition[];
  readonly depth: number;
  readonly offset: number;
}

function decodeSection(id: number, reader: Reader, target: Target): void {
  const { definitions, depth, offset } = target;
  switch (id) {
    case 0:
      reader.name("name of a custom section");
      reader.at = reader.end;
      return;
    case 1: {
      const bytes = reader.bytes.slice(reader.at, reader.end);
      reader.at = reader.end;
      definitions.push({ kind: "core module", bytes, offset });
      return;
    }
    case 4: {
      const range = { start: reader.at, end: reader.end, depth: depth + 1 };
      const component = decodeRange(reader.bytes as Uint8Array<ArrayBuffer>, range);
      reader.at = reader.end;
      definitions.push({ kind: "component", component, offset });
      return;
    }
    case 9:
    case 12:
      throw new CapsuleError(
        "LOAD",
        `Cannot run the component: it uses ${id === 9 ? "a start function" : "values"} of the ` +
          `component model at offset ${hex(offset)}, which no toolchain emits yet`,
      );
  }
  const decode = decoders[id];
  if (!decode) throw malformed(`${id} is not a section of a component`, offset);
  for (let left = reader.count("definitions"); left > 0; left--) {
    const offset = reader.at;
    definitions.push({ ...decode(reader), offset });
  }
}

type Undated<T> = T extends unknown ? Omit<T, "offset"> : never;

const decoders: Readonly<Record<number, (reader: Reader) => Undated<Definition>>> = {
  2: (reader) => ({ kind: "core instance", instance: decodeCoreInstance(reader) }),
  3: (reader) => ({ kind: "core type", type: decodeCoreType(reader) }),
  5: (reader) => ({ kind: "instance", instance: decodeInstance(reader) }),
  6: (reader) => ({ kind: "alias", alias: decodeAlias(reader) }),
  7: (reader) => ({ kind: "type", type: decodeType(reader) }),
  8: (reader) => ({ kind: "canon", canon: decodeCanon(reader) }),
  10: (reader) => ({
    kind: "import",
    import: { ...decodeExternName(reader), type: decodeExternType(reader) },
  }),
  11: (reader) => ({ kind: "export", export: decodeExport(reader) }),
};

function decodeCoreInstance(reader: Reader): CoreInstanceSyntax {
  const at = reader.at;
  const form = reader.byte("core instance");
  if (form === 0) {
    const module = reader.u32("core module index");
    const args = decodeVector(reader, "arguments", () => {
      const name = reader.name("name of an argument");
      const kindAt = reader.at;
      const kind = reader.byte("kind of an argument");
      if (kind !== 0x12) throw malformed(`${hex(kind)} is not the kind of a core argument`, kindAt);
      return { name, instance: reader.u32("core instance index") };
    });
    return { kind: "instantiate", module, args };
  }
  if (form !== 1) throw malformed(`${hex(form)} is not a form of a core instance`, at);
  const exports = decodeVector(reader, "exports", () => {
    const name = reader.name("name of an export");
    return { name, sort: decodeCoreSort(reader), index: reader.u32("index of an export") };
  });
  return { kind: "exports", exports };
}

function decodeInstance(reader: Reader): InstanceSyntax {
  const at = reader.at;
  const form = reader.byte("instance");
  if (form === 0) {
    const component = reader.u32("component index");
    const args = decodeVector(reader, "arguments", (): NamedSortIndex => {
      const name = reader.name("name of an argument");
      return { name, sort: decodeSort(reader), index: reader.u32("index of an argument") };
    });
    return { kind: "instantiate", component, args };
  }
  if (form !== 1) throw malformed(`${hex(form)} is not a form of an instance`, at);
  const exports = decodeVector(reader, "exports", (): NamedSortIndex => {
    const name = decodeExternName(reader);
    return { ...name, sort: decodeSort(reader), index: reader.u32("index of an export") };
  });
  return { kind: "exports", exports };
}

function decodeExport(reader: Reader): ExportSyntax {
  const name = decodeExternName(reader);
  const sort = decodeSort(reader);
  const index = reader.u32("index of an export");
  const type = decodeOptional(reader, decodeExternType);
  return { ...name, sort, index, type };
}
