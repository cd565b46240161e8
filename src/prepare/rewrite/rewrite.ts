import { renumberNames } from "./names.ts";
import { rewriteCode } from "./rewrite_code.ts";
import { PREPARE_MODULE } from "../contract.ts";
import type { AddedIndices, Edits } from "../plan/edits.ts";
import { Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import type { Code } from "../scan/code.ts";
import { type Section, SectionId, sectionOrder } from "../format/sections.ts";
import { type FunctionType, valueTypeCode } from "../format/value_types.ts";
import { Writer } from "../format/writer.ts";

/**
 * Applies all edits to a module. Bytes that no edit touches are copied as they are, with the
 * padding of their numbers. Types and globals are appended, so that only function indices move,
 * since imported functions come first. Throws as `lowerMaximum` and `rewriteCode` do.
 */
export function rewrite(layout: Layout, code: Code, edits: Edits): Uint8Array<ArrayBuffer> {
  return new Rewriting(layout, code, edits).run();
}

/**
 * Prefix of the sections that annotate single instructions, such as branch hints
 * (https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md). They are advice, and
 * dropped when the code changes.
 */
const METADATA_PREFIX = "metadata.code.";

class Rewriting {
  readonly #layout: Layout;
  readonly #edits: Edits;
  readonly #out: Writer;
  readonly #shift: number;
  readonly #indices: AddedIndices;
  /** Types that the module lacks. */
  readonly #newTypes: FunctionType[] = [];
  readonly #typeIndices = new Map<string, number>();
  /** Content of the code section. */
  readonly #codeContent: Uint8Array;
  /** Index of the first function reference outside the code that is not copied yet. */
  #nextReference = 0;

  constructor(layout: Layout, code: Code, edits: Edits) {
    this.#layout = layout;
    this.#edits = edits;
    this.#out = new Writer(layout.bytes.length * 1.25 + 4096);
    this.#shift = edits.imports.length;
    const functions = new Map<string, number>();
    let index = layout.importedFunctions;
    for (const { name } of edits.imports) functions.set(name, index++);
    index = layout.functionTypes.length + this.#shift;
    for (const { name } of edits.functions) functions.set(name, index++);
    const globals = new Map<string, number>();
    index = layout.description.globals.length;
    for (const { name } of edits.globals) globals.set(name, index++);
    this.#indices = { functions, globals, shift: this.#shift };
    index = 0;
    for (const { kind, key } of layout.types) {
      if (kind === "function") this.#typeIndices.set(key, index);
      index++;
    }
    for (const { type } of edits.imports) this.#typeIndex(type);
    for (const { type } of edits.functions) this.#typeIndex(type);
    this.#codeContent = rewriteCode(layout, code, edits, this.#indices);
  }

  run(): Uint8Array<ArrayBuffer> {
    const { sections, bytes } = this.#layout;
    this.#out.span(bytes, 0, 8);
    let next = 0;
    for (const section of sections) {
      if (section.id === SectionId.custom) this.#custom(section);
      else {
        const place = sectionOrder.indexOf(section.id);
        this.#missing(next, place);
        this.#section(section.id, section, this.#additions(section.id));
        next = place + 1;
      }
    }
    this.#missing(next, sectionOrder.length);
    return this.#out.finish();
  }

  /** Writes the sections that the additions need and the module lacks, in a span of the order. */
  #missing(from: number, to: number): void {
    for (const id of sectionOrder.slice(from, to)) {
      const more = this.#additions(id);
      if (more > 0) this.#section(id, undefined, more);
    }
  }

  /** Returns the number of items that are added to a section. */
  #additions(id: number): number {
    const { imports, functions, globals, exports } = this.#edits;
    switch (id) {
      case SectionId.type:
        return this.#newTypes.length;
      case SectionId.import:
        return imports.length;
      case SectionId.function:
      case SectionId.code:
        return functions.length;
      case SectionId.global:
        return globals.length;
      case SectionId.export:
        return exports.length + globals.length +
          functions.filter(({ exportName }) => exportName !== undefined).length;
      default:
        return 0;
    }
  }

  /** Writes one section with `more` additional items; `section` is undefined for a new one. */
  #section(id: number, section: Section | undefined, more: number): void {
    const out = this.#out;
    out.byte(id);
    const sizeWidth = section?.sizeWidth ?? 1;
    const content = out.begin(sizeWidth);
    if (id === SectionId.code) out.bytes(this.#codeContent);
    else if (!section) out.u32(more);
    else if (more === 0) this.#copy(section.start, section.end);
    else {
      const reader = new Reader(this.#layout.bytes, section.start, section.end);
      const count = reader.u32("count");
      out.u32(count + more, reader.at - section.start);
      this.#copy(reader.at, section.end);
    }
    if (more > 0) this.#append(id);
    out.end(content, sizeWidth);
  }

  /** Writes the items that are added to a section. */
  #append(id: number): void {
    const out = this.#out;
    const { imports, functions, globals, exports } = this.#edits;
    switch (id) {
      case SectionId.type:
        for (const type of this.#newTypes) this.#writeType(type);
        return;
      case SectionId.import:
        for (const { name, type } of imports) {
          out.name(PREPARE_MODULE);
          out.name(name);
          out.byte(0);
          out.u32(this.#typeIndex(type));
        }
        return;
      case SectionId.function:
        for (const { type } of functions) out.u32(this.#typeIndex(type));
        return;
      case SectionId.global:
        for (const { initial } of globals) {
          out.bytes([0x7f, 0x01, Op.i32Const]);
          out.s32(initial);
          out.byte(Op.end);
        }
        return;
      case SectionId.export:
        for (const { name, kind, index } of exports) {
          this.#export(name, kind === "memory" ? 2 : 3, index);
        }
        for (const { name } of globals) this.#export(name, 3, this.#indices.globals.get(name) ?? 0);
        for (const { name, exportName } of functions) {
          if (exportName === undefined) continue;
          this.#export(exportName, 0, this.#indices.functions.get(name) ?? 0);
        }
    }
  }

  #export(name: string, kind: number, index: number): void {
    this.#out.name(name);
    this.#out.byte(kind);
    this.#out.u32(index);
  }

  /** Copies bytes outside the code, with function indices renumbered. */
  #copy(start: number, end: number): void {
    const { bytes, functionReferences, importedFunctions } = this.#layout;
    const out = this.#out;
    let from = start;
    const reader = new Reader(bytes, start, end);
    for (
      ;
      this.#shift > 0 && this.#nextReference < functionReferences.length;
      this.#nextReference++
    ) {
      const at = functionReferences.at(this.#nextReference);
      if (at >= end) break;
      out.span(bytes, from, at);
      reader.at = at;
      const index = reader.u32("index of a function");
      out.u32(index < importedFunctions ? index : index + this.#shift, reader.at - at);
      from = reader.at;
    }
    out.span(bytes, from, end);
  }

  #custom(section: Section): void {
    const out = this.#out;
    if (section.name.startsWith(METADATA_PREFIX) && this.#changesCode) return;
    const content = section.name === "name" && this.#shift > 0
      ? renumberNames(section, { layout: this.#layout, indices: this.#indices })
      : this.#layout.bytes.subarray(section.content, section.end);
    if (!content) return;
    out.byte(SectionId.custom);
    const start = out.begin(section.sizeWidth);
    out.span(this.#layout.bytes, section.start, section.content);
    out.bytes(content);
    out.end(start, section.sizeWidth);
  }

  get #changesCode(): boolean {
    const { code, calls } = this.#edits;
    return this.#shift > 0 || calls.size > 0 || code.marks.some(Boolean);
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
