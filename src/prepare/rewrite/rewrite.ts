import {
  BRANCH_HINTS,
  METADATA_PREFIX,
  type Renumbering,
  rewriteCodeMetadata,
  rewriteNames,
} from "./custom_sections.ts";
import { rewriteCode, type RewrittenCode } from "./rewrite_code.ts";
import { PREPARE_MODULE } from "../contract.ts";
import { copyWithLimits } from "./limit_memory.ts";
import type { AddedIndices, Edits } from "./edits.ts";
import { Op } from "../format/instructions.ts";
import type { Ints } from "../format/ints.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import type { Code } from "../scan/scan.ts";
import { type Section, SectionId, sectionOrder } from "../format/sections.ts";
import { type FunctionType, valueTypeCode } from "../format/value_types.ts";
import { Writer } from "../format/writer.ts";

/**
 * The module with all edits made, and where the additions are. Every byte that no edit touches is copied as it is, with the padding of
 * its numbers. Types and globals are appended, so that only function indices move: imported functions come first.
 */
export function rewrite(layout: Layout, code: Code, edits: Edits): Uint8Array<ArrayBuffer> {
  return new Rewriting(layout, code, edits).run();
}

class Rewriting {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #edits: Edits;
  readonly #out: Writer;
  readonly #shift: number;
  readonly #indices: AddedIndices;
  /** Types that the module lacks. */
  readonly #newTypes: FunctionType[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #rewritten: RewrittenCode;

  constructor(layout: Layout, code: Code, edits: Edits) {
    this.#layout = layout;
    this.#code = code;
    this.#edits = edits;
    this.#out = new Writer(layout.bytes.length * 1.25 + 4096);
    this.#shift = edits.imports.length;
    const functions = new Map<string, number>();
    edits.imports.forEach(({ name }, index) => functions.set(name, layout.importedFunctions + index));
    const added = layout.functionTypes.length + this.#shift;
    edits.functions.forEach(({ name }, index) => functions.set(name, added + index));
    const globals = new Map<string, number>();
    edits.globals.forEach(({ name }, index) => globals.set(name, layout.description.globals.length + index));
    this.#indices = { functions, globals, shift: this.#shift };
    layout.types.forEach(({ key }, index) => this.#typeIndices.set(key, index));
    for (const { type } of [...edits.imports, ...edits.functions]) this.#typeIndex(type);
    this.#rewritten = rewriteCode(layout, code, edits, this.#indices);
  }

  run(): Uint8Array<ArrayBuffer> {
    const { sections, bytes } = this.#layout;
    this.#out.span(bytes, 0, 8);
    const missing = this.#missing();
    for (const section of sections) {
      const rank = sectionOrder.indexOf(section.id);
      while (missing[0] && sectionOrder.indexOf(missing[0]) < rank) {
        this.#section(missing.shift() ?? 0, undefined);
      }
      this.#section(section.id, section);
    }
    for (const id of missing) this.#section(id, undefined);
    return this.#out.finish();
  }

  /** Sections that the additions need and the module lacks, in the order of a file. */
  #missing(): number[] {
    const { imports, functions, globals, exports } = this.#edits;
    const needed = new Set<number>();
    if (this.#newTypes.length > 0) needed.add(SectionId.type);
    if (imports.length > 0) needed.add(SectionId.import);
    if (functions.length > 0) needed.add(SectionId.function).add(SectionId.code);
    if (globals.length > 0) needed.add(SectionId.global);
    if (globals.length + exports.length > 0) needed.add(SectionId.export);
    for (const section of this.#layout.sections) needed.delete(section.id);
    return sectionOrder.filter((id) => needed.has(id));
  }

  /** Writes one section; without `section` it is one that the module lacks. */
  #section(id: number, section: Section | undefined): void {
    const { imports, functions, globals, exports } = this.#edits;
    switch (id) {
      case SectionId.custom:
        if (section) this.#custom(section);
        return;
      case SectionId.type:
        return this.#vector(id, section, this.#newTypes.length, () => {
          for (const type of this.#newTypes) this.#writeType(type);
        });
      case SectionId.import:
        return this.#vector(id, section, imports.length, () => {
          for (const { name, type } of imports) {
            this.#out.name(PREPARE_MODULE);
            this.#out.name(name);
            this.#out.byte(0);
            this.#out.u32(this.#typeIndex(type));
          }
        });
      case SectionId.function:
        return this.#vector(id, section, functions.length, () => {
          for (const { type } of functions) this.#out.u32(this.#typeIndex(type));
        });
      case SectionId.global:
        return this.#vector(id, section, globals.length, () => {
          for (const { initial } of globals) {
            this.#out.bytes([0x7f, 0x01, Op.i32Const]);
            this.#out.s32(initial);
            this.#out.byte(Op.end);
          }
        });
      case SectionId.export:
        return this.#vector(id, section, exports.length + globals.length, () => {
          for (const { name, kind, index } of exports) this.#export(name, kind === "memory" ? 2 : 3, index);
          for (const { name } of globals) this.#export(name, 3, this.#indices.globals.get(name) ?? 0);
        });
      case SectionId.code: {
        const { content, moves } = this.#rewritten;
        const isHinted = this.#layout.description.customSections.includes(BRANCH_HINTS);
        if (!isHinted && moves.checks.length > 0) this.#metadata(undefined, BRANCH_HINTS);
        this.#out.byte(id);
        this.#out.sized(section?.sizeWidth ?? 1, () => this.#out.bytes(content));
        return;
      }
      default:
        if (section) this.#vector(id, section, 0, () => {});
    }
  }

  /** A section that is a list: the items that it has, with their indices put right, then those that `append` writes. */
  #vector(id: number, section: Section | undefined, more: number, append: () => void): void {
    const out = this.#out;
    out.byte(id);
    out.sized(section?.sizeWidth ?? 1, () => {
      if (!section) {
        out.u32(more);
      } else if (more === 0) {
        this.#copy(section.start, section.end);
      } else {
        const reader = new Reader(this.#layout.bytes, section.start, section.end);
        const count = reader.u32("count");
        out.u32(count + more, reader.at - section.start);
        this.#copy(reader.at, section.end);
      }
      append();
    });
  }

  #export(name: string, kind: number, index: number): void {
    this.#out.name(name);
    this.#out.byte(kind);
    this.#out.u32(index);
  }

  /** Copies bytes outside of the code, with function indices and memory limits put right. */
  #copy(start: number, end: number): void {
    const { bytes, functionReferences } = this.#layout;
    const out = this.#out;
    let from = start;
    if (this.#shift > 0) {
      for (let item = firstFrom(functionReferences, start); item < functionReferences.length; item++) {
        const at = functionReferences.at(item);
        if (at >= end) break;
        out.span(bytes, from, at);
        const reader = new Reader(bytes, at, end);
        const index = reader.u32("index of a function");
        out.u32(this.#moved(index), reader.at - at);
        from = reader.at;
      }
    }
    copyWithLimits(out, this.#layout, { start: from, end, maxPages: this.#edits.maxMemoryPages });
  }

  #custom(section: Section): void {
    const hasMoved = this.#shift > 0;
    if (hasMoved && section.name === "name") {
      this.#writeCustom(section.name, rewriteNames(section, this.#renumbering()), section.sizeWidth);
    } else if (hasMoved && section.name.startsWith(METADATA_PREFIX)) {
      this.#metadata(section, section.name);
    } else {
      this.#out.byte(section.id);
      this.#out.sized(
        section.sizeWidth,
        () => this.#out.span(this.#layout.bytes, section.start, section.end),
      );
    }
  }

  #metadata(section: Section | undefined, name: string): void {
    const { moves } = this.#rewritten;
    const checks = name === BRANCH_HINTS ? moves.checks : undefined;
    const content = rewriteCodeMetadata(section, checks, { ...this.#renumbering(), code: this.#code, moves });
    this.#writeCustom(name, content, section?.sizeWidth ?? 1);
  }

  #writeCustom(name: string, content: Uint8Array | undefined, sizeWidth: number): void {
    if (!content) return;
    this.#out.byte(SectionId.custom);
    this.#out.sized(sizeWidth, () => {
      this.#out.name(name);
      this.#out.bytes(content);
    });
  }

  #renumbering(): Renumbering {
    return { layout: this.#layout, shift: this.#shift, indices: this.#indices };
  }

  #moved(index: number): number {
    return index < this.#layout.importedFunctions ? index : index + this.#shift;
  }

  #typeIndex(type: FunctionType): number {
    const key = `${type.params}>${type.results}`;
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    const index = this.#layout.types.length + this.#newTypes.length;
    this.#newTypes.push(type);
    this.#typeIndices.set(key, index);
    return index;
  }

  #writeType({ params, results }: FunctionType): void {
    this.#out.byte(0x60);
    for (const types of [params, results]) {
      this.#out.u32(types.length);
      for (const type of types) this.#out.byte(valueTypeCode(type));
    }
  }
}

/** The first item of sorted `offsets` that is not below `offset`. */
function firstFrom(offsets: Ints, offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets.at(middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
