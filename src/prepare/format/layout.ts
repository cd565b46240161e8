import type {
  ExportDescription,
  Extern,
  ImportDescription,
  Limits,
  ModuleDescription,
} from "./describe.ts";
import { Ints } from "./ints.ts";
import { skipConstantExpression } from "./immediates.ts";
import { hex, LimitFlag, malformed, Reader, UnknownConstruct } from "./reader.ts";
import { type Section, SectionId, visitSections } from "./sections.ts";
import { type DefinedType, readTypeSection } from "./types.ts";
import { type FunctionType, readValueType, type ValueType } from "./value_types.ts";

/** Offsets of a module's parts, and everything known about it without its code. */
export interface Layout {
  bytes: Uint8Array;
  description: ModuleDescription;
  sections: Section[];
  types: DefinedType[];
  /** Number of imported functions, which come first in the function index space. */
  importedFunctions: number;
  /** Type index of each function, imported ones first. */
  functionTypes: Ints;
  /** Offsets of function indices outside of the code, in the order of the file. */
  functionReferences: Ints;
  /** Number of tags, imported ones included. */
  tags: number;
  /** Functions that code outside of the module, or a table call, can reach. */
  reachableFromOutside: { exported: Ints; referenced: Ints };
  /** The first unknown construct; the description may lack globals and tables after it. */
  unknown: UnknownConstruct | undefined;
}

/** Reads all sections but code and data. Throws `CapsuleError` `LOAD`. */
export function readLayout(bytes: Uint8Array): Layout {
  const layout: Layout = {
    bytes,
    description: {
      imports: [],
      exports: [],
      memories: [],
      tables: [],
      globals: [],
      functionCount: 0,
      start: undefined,
      customSections: [],
    },
    sections: [],
    types: [],
    importedFunctions: 0,
    functionTypes: new Ints(),
    functionReferences: new Ints(),
    tags: 0,
    reachableFromOutside: { exported: new Ints(), referenced: new Ints() },
    unknown: undefined,
  };
  try {
    visitSections(bytes, (section) => {
      layout.sections.push(section);
      if (section.id === SectionId.custom) layout.description.customSections.push(section.name);
      readKnown(layout, section);
    });
  } catch (error) {
    noteUnknown(layout, error);
  }
  return layout;
}

/** Returns the code section; undefined in a module without code. */
export function codeSection({ sections }: Layout): Section | undefined {
  for (const section of sections) if (section.id === SectionId.code) return section;
  return undefined;
}

function readKnown(layout: Layout, section: Section): void {
  const read = readers[section.id];
  if (!read) return;
  const reader = new Reader(layout.bytes, section.start, section.end);
  try {
    read(reader, layout);
  } catch (error) {
    noteUnknown(layout, error);
    return;
  }
  if (!reader.done) {
    throw malformed(
      `section ${section.id} has ${reader.end - reader.at} bytes too many`,
      reader.at,
    );
  }
}

/** Notes the first unknown construct, whose section is not read further; rethrows other errors. */
function noteUnknown(layout: Layout, error: unknown): void {
  if (!(error instanceof UnknownConstruct)) throw error;
  layout.unknown ??= error;
}

const readers: Record<number, (reader: Reader, layout: Layout) => void> = {
  [SectionId.type](reader, layout) {
    readTypeSection(reader, layout.types);
  },

  [SectionId.import](reader, layout) {
    for (let left = reader.count("imports"); left > 0; left--) {
      const module = reader.name("module of an import");
      const name = reader.name("name of an import");
      const item: ImportDescription = { module, name, ...readImported(reader, layout) };
      layout.description.imports.push(item);
    }
  },

  [SectionId.function](reader, layout) {
    for (let left = reader.count("functions"); left > 0; left--) addFunction(reader, layout);
  },

  [SectionId.table](reader, layout) {
    for (let left = reader.count("tables"); left > 0; left--) {
      // 0x40 0x00: a table with an initial value
      // (https://webassembly.github.io/spec/core/binary/modules.html#table-section).
      const hasValue = reader.bytes[reader.at] === 0x40;
      if (hasValue) reader.skip(2, "table");
      layout.description.tables.push({ kind: "table", ...readTable(reader, layout) });
      if (hasValue) readExpression(reader, layout);
    }
  },

  [SectionId.memory](reader, layout) {
    for (let left = reader.count("memories"); left > 0; left--) {
      layout.description.memories.push(readMemory(reader));
    }
  },

  [SectionId.tag](reader, layout) {
    for (let left = reader.count("tags"); left > 0; left--) readTag(reader, layout);
  },

  [SectionId.global](reader, layout) {
    for (let left = reader.count("globals"); left > 0; left--) {
      layout.description.globals.push(readGlobal(reader, layout));
      readExpression(reader, layout);
    }
  },

  [SectionId.export](reader, layout) {
    for (let left = reader.count("exports"); left > 0; left--) {
      layout.description.exports.push(readExport(reader, layout));
    }
  },

  [SectionId.start](reader, layout) {
    layout.description.start = readFunctionReference(reader, layout);
  },

  [SectionId.element](reader, layout) {
    for (let left = reader.count("element segments"); left > 0; left--) {
      readElements(reader, layout);
    }
  },
};

function readImported(reader: Reader, layout: Layout): Extern {
  const at = reader.at;
  const kind = reader.byte("kind of an import");
  const description = layout.description;
  switch (kind) {
    case 0:
      layout.importedFunctions++;
      return { kind: "function", type: addFunction(reader, layout) };
    case 1: {
      const table = { kind: "table", ...readTable(reader, layout) } as const;
      description.tables.push(table);
      return table;
    }
    case 2: {
      const memory = readMemory(reader);
      description.memories.push(memory);
      return memory;
    }
    case 3: {
      const global = readGlobal(reader, layout);
      description.globals.push(global);
      return global;
    }
    case 4:
      return { kind: "tag", type: readTag(reader, layout) };
    default:
      throw malformed(`${kind} is not a kind of import`, at);
  }
}

function readTag(reader: Reader, layout: Layout): FunctionType {
  const at = reader.at;
  reader.byte("tag");
  const index = reader.u32("type of a tag");
  const type = layout.types[index];
  if (!type && !layout.unknown) throw malformed(`type ${index} of a tag does not exist`, at);
  layout.tags++;
  return type ?? { params: [], results: [] };
}

function addFunction(reader: Reader, layout: Layout): FunctionType | undefined {
  const at = reader.at;
  const index = reader.u32("type of a function");
  if (index >= layout.types.length && !layout.unknown) {
    throw malformed(`type ${index} of a function does not exist`, at);
  }
  layout.functionTypes.push(index);
  layout.description.functionCount++;
  return layout.types[index];
}

function readTable(reader: Reader, layout: Layout): { element: ValueType; limits: Limits } {
  return { element: readAnyType(reader, layout), limits: readLimits(reader) };
}

function readMemory(reader: Reader): Extern & { kind: "memory" } {
  return { kind: "memory", limits: readLimits(reader) };
}

function readGlobal(reader: Reader, layout: Layout): Extern & { kind: "global" } {
  const type = readAnyType(reader, layout);
  const at = reader.at;
  const flags = reader.byte("mutability of a global");
  if (flags > 1) {
    layout.unknown ??= new UnknownConstruct(hex(flags), at, "a global with flags");
  }
  return { kind: "global", type, mutable: (flags & 1) !== 0 };
}

/** Reads a value type; an unknown one is noted, so that the imports after it are described. */
function readAnyType(reader: Reader, layout: Layout): ValueType {
  try {
    return readValueType(reader);
  } catch (error) {
    noteUnknown(layout, error);
    return "unknown";
  }
}

function readLimits(reader: Reader): Limits {
  const at = reader.at;
  const flags = reader.byte("limits");
  if (flags > 7) throw new UnknownConstruct(hex(flags), at, "limits of another kind");
  const is64 = (flags & LimitFlag.is64) !== 0;
  const shared = (flags & LimitFlag.shared) !== 0;
  const min = is64 ? reader.u64("limits") : reader.u32("limits");
  const limits: Limits = { min, max: undefined, is64, shared };
  if ((flags & LimitFlag.maximum) !== 0) {
    limits.max = is64 ? reader.u64("limits") : reader.u32("limits");
  }
  return limits;
}

const exportKinds = ["function", "table", "memory", "global", "tag"] as const;

function readExport(reader: Reader, layout: Layout): ExportDescription {
  const name = reader.name("name of an export");
  const at = reader.at;
  const code = reader.byte("kind of an export");
  const kind = exportKinds[code];
  if (!kind) throw malformed(`${code} is not a kind of export`, at);
  if (kind !== "function") {
    const index = reader.u32("index of an export");
    const { description } = layout;
    const counts = {
      table: description.tables.length,
      memory: description.memories.length,
      global: description.globals.length,
      tag: layout.tags,
    };
    if (index >= counts[kind] && !layout.unknown) {
      throw malformed(`${kind} ${index} does not exist`, at + 1);
    }
    return { kind, name, index };
  }
  const index = readFunctionReference(reader, layout, layout.reachableFromOutside.exported);
  const type = layout.types[layout.functionTypes.at(index)];
  return type ? { kind, name, index, type } : { kind, name, index };
}

function readFunctionReference(reader: Reader, layout: Layout, into?: Ints): number {
  const at = reader.at;
  const index = reader.u32("index of a function");
  if (index >= layout.functionTypes.length) throw malformed(`function ${index} does not exist`, at);
  layout.functionReferences.push(at);
  into?.push(index);
  return index;
}

function readExpression(reader: Reader, layout: Layout): void {
  skipConstantExpression(
    reader,
    () => readFunctionReference(reader, layout, layout.reachableFromOutside.referenced),
  );
}

/**
 * Reads an element segment, of which there are eight forms
 * (https://webassembly.github.io/spec/core/binary/modules.html#element-section).
 */
function readElements(reader: Reader, layout: Layout): void {
  const at = reader.at;
  const form = reader.u32("form of an element segment");
  if (form > 7) throw malformed(`${form} is not a form of an element segment`, at);
  const isActive = (form & 1) === 0;
  const hasIndex = (form & 2) !== 0;
  const hasExpressions = (form & 4) !== 0;
  if (isActive && hasIndex) reader.u32("table of an element segment");
  if (isActive) readExpression(reader, layout);
  // Passive segments and those with a table index name a type: an element kind before function
  // indices, a reference type before expressions.
  if (!isActive || hasIndex) {
    if (hasExpressions) readValueType(reader);
    else reader.byte("kind of an element segment");
  }
  for (let left = reader.count("elements", 10_000_000); left > 0; left--) {
    if (hasExpressions) readExpression(reader, layout);
    else readFunctionReference(reader, layout, layout.reachableFromOutside.referenced);
  }
}
