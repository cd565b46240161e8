import { type ComponentValueType, parts } from "../types/types.ts";

/**
 * Sizes and flattened forms of value types for 32-bit memories.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */

/** The core type of a flattened value. */
export type FlatType = "i32" | "i64" | "f32" | "f64";

/** The memory layout and the flattened form of a value type. */
export interface ValueLayout {
  /** Bytes. */
  readonly alignment: number;
  /** Bytes, a multiple of the alignment. */
  readonly size: number;
  /** The core values of a flattened parameter or result; cut off after `maxFlat`. */
  readonly flat: readonly FlatType[];
}

/** The layout of a type with cases: a discriminant, and the payload of one case. */
export interface VariantLayout extends ValueLayout {
  /** Bytes of the discriminant. */
  readonly discriminantSize: number;
  /** Offset of the payload in bytes. */
  readonly payloadOffset: number;
  /** Core values of the payload, joined over all cases. */
  readonly payloadFlat: readonly FlatType[];
}

/** More core values than any function type may have flat, so that long flat lists are cut off. */
const maxFlat = 17;

const layouts = new WeakMap<ComponentValueType, ValueLayout>();

/** Returns the layout of a value type. */
export function layoutOf(type: ComponentValueType): ValueLayout {
  let layout = layouts.get(type);
  if (layout === undefined) layouts.set(type, layout = computeLayout(type));
  return layout;
}

const sizes64 = new WeakMap<ComponentValueType, { alignment: number; size: number }>();

/** Returns alignment and size of a value type in a 64-bit memory, in bytes. */
export function size64(type: ComponentValueType): { alignment: number; size: number } {
  let found = sizes64.get(type);
  if (found === undefined) sizes64.set(type, found = computeSize64(type));
  return found;
}

function computeSize64(type: ComponentValueType): { alignment: number; size: number } {
  const cases = casesOf(type);
  if (cases) {
    const discriminant = discriminantSize(cases.length);
    const payloads = cases.flatMap((type) => type ? [size64(type)] : []);
    const payloadAlignment = Math.max(1, ...payloads.map(({ alignment }) => alignment));
    const alignment = Math.max(discriminant, payloadAlignment);
    const payload = Math.max(0, ...payloads.map(({ size }) => size));
    return { alignment, size: align(align(discriminant, payloadAlignment) + payload, alignment) };
  }
  const fields = type.kind === "tuple" ? type.types : type.kind === "record" ? parts(type) : [];
  if (fields.length > 0) {
    let alignment = 1;
    let size = 0;
    for (const field of fields.map(size64)) {
      alignment = Math.max(alignment, field.alignment);
      size = align(size, field.alignment) + field.size;
    }
    return { alignment, size: align(size, alignment) };
  }
  if (type.kind === "list" && type.length !== undefined) {
    const { alignment, size } = size64(type.element);
    return { alignment, size: size * type.length };
  }
  const isPointer = type.kind === "string" || type.kind === "list" || type.kind === "map";
  return isPointer ? { alignment: 8, size: 16 } : layoutOf(type);
}

/** Returns the layout of a variant, an enum, an option or a result. */
export function variantLayout(cases: readonly (ComponentValueType | undefined)[]): VariantLayout {
  const discriminant = discriminantSize(cases.length);
  let payloadAlignment = 1;
  let payloadSize = 0;
  const payloadFlat: FlatType[] = [];
  for (const type of cases) {
    if (type === undefined) continue;
    const { alignment, size, flat } = layoutOf(type);
    payloadAlignment = Math.max(payloadAlignment, alignment);
    payloadSize = Math.max(payloadSize, size);
    for (const [index, core] of flat.entries()) {
      const joined = payloadFlat[index];
      payloadFlat[index] = joined === undefined ? core : join(joined, core);
    }
  }
  const alignment = Math.max(discriminant, payloadAlignment);
  const payloadOffset = align(discriminant, payloadAlignment);
  return {
    alignment,
    size: align(payloadOffset + payloadSize, alignment),
    flat: ["i32" as const, ...payloadFlat].slice(0, maxFlat),
    discriminantSize: discriminant,
    payloadOffset,
    payloadFlat,
  };
}

/** Returns the cases of a type as those of a variant, or undefined if it has none. */
export function casesOf(
  type: ComponentValueType,
): readonly (ComponentValueType | undefined)[] | undefined {
  switch (type.kind) {
    case "variant":
      return type.cases.map(({ type }) => type);
    case "enum":
      return type.labels.map(() => undefined);
    case "option":
      return [undefined, type.type];
    case "result":
      return [type.ok, type.error];
  }
}

/** Returns the layout of consecutive fields, and the offset of each in bytes. */
export function recordLayout(
  types: readonly ComponentValueType[],
): ValueLayout & { readonly offsets: readonly number[] } {
  let alignment = 1;
  let size = 0;
  const flat: FlatType[] = [];
  const offsets: number[] = [];
  for (const type of types) {
    const field = layoutOf(type);
    alignment = Math.max(alignment, field.alignment);
    size = align(size, field.alignment);
    offsets.push(size);
    size += field.size;
    if (flat.length < maxFlat) flat.push(...field.flat);
  }
  return { alignment, size: align(size, alignment), flat: flat.slice(0, maxFlat), offsets };
}

/** Returns the bytes of flags with this number of labels. */
export function flagsSize(labels: number): number {
  return labels <= 8 ? 1 : labels <= 16 ? 2 : 4;
}

function discriminantSize(cases: number): number {
  return cases <= 0x100 ? 1 : cases <= 0x10000 ? 2 : 4;
}

/** Rounds an offset up to a multiple of an alignment. */
export function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function join(a: FlatType, b: FlatType): FlatType {
  if (a === b) return a;
  return (a === "i32" && b === "f32") || (a === "f32" && b === "i32") ? "i32" : "i64";
}

function scalar(size: number, flat: FlatType): ValueLayout {
  return { alignment: size, size, flat: [flat] };
}

const pointerAndLength: ValueLayout = { alignment: 4, size: 8, flat: ["i32", "i32"] };

function computeLayout(type: ComponentValueType): ValueLayout {
  const cases = casesOf(type);
  if (cases) return variantLayout(cases);
  switch (type.kind) {
    case "bool":
    case "s8":
    case "u8":
      return scalar(1, "i32");
    case "s16":
    case "u16":
      return scalar(2, "i32");
    case "s64":
    case "u64":
      return scalar(8, "i64");
    case "f32":
      return scalar(4, "f32");
    case "f64":
      return scalar(8, "f64");
    case "string":
    case "map":
      return pointerAndLength;
    case "list": {
      if (type.length === undefined) return pointerAndLength;
      const { alignment, size, flat } = layoutOf(type.element);
      const count = Math.min(type.length, maxFlat);
      return {
        alignment,
        size: size * type.length,
        flat: Array.from({ length: count }, () => flat).flat().slice(0, maxFlat),
      };
    }
    case "record":
      return recordLayout(type.fields.map(({ type }) => type));
    case "tuple":
      return recordLayout(type.types);
    case "flags": {
      const size = flagsSize(type.labels.length);
      return { alignment: size, size, flat: ["i32"] };
    }
    default: // s32, u32, char, error-context, handles, streams and futures
      return scalar(4, "i32");
  }
}
