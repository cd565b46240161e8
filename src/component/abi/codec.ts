import type { ComponentValueType, HandleType, ListType } from "../types/types.ts";
import { type AbiContext, allocate, checkRange, trap } from "./context.ts";
import {
  casesOf,
  flagsSize,
  type FlatType,
  layoutOf,
  recordLayout,
  variantLayout,
} from "./layout.ts";
import { loadString, storeString } from "./strings.ts";

/**
 * Values cross between a guest and the host as these JavaScript values:
 *
 * - `bool` boolean; integers up to 32 bits and floats number; `s64` and `u64` bigint; `char` and
 *   `string` string
 * - `list<u8>` Uint8Array, other lists array; `record` object; `tuple` array
 * - `variant` `{ tag, value }`; `enum` its label; `result` `{ tag: "ok" | "error", value }`
 * - `option` undefined or its value; an option of an option `{ value }`
 * - `flags` number, one bit for each label; handles their representation
 * - `stream` and `future` the state that their ends share; `error-context` an `ErrorContext`
 */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | undefined
  | readonly Value[]
  | { readonly [label: string]: unknown }
  | object;

/** A core value: a 64-bit integer is a bigint. */
export type CoreValue = number | bigint;

/** Reads core values in order. */
export class FlatReader {
  readonly #values: readonly CoreValue[];
  #at = 0;

  constructor(values: readonly CoreValue[]) {
    this.#values = values;
  }

  next(): CoreValue {
    return this.#values[this.#at++] ?? 0;
  }

  number(): number {
    return Number(this.next());
  }

  /** Reads a 32-bit value as unsigned. */
  u32(): number {
    return Number(this.next()) >>> 0;
  }

  /** Reads a 64-bit value as unsigned. */
  u64(): bigint {
    return BigInt.asUintN(64, BigInt(this.next()));
  }
}

/** Loads and stores values of one type, in memory and flattened. */
export interface Codec {
  load(cx: AbiContext, pointer: number): Value;
  store(cx: AbiContext, value: Value, pointer: number): void;
  /** Lifts core values. */
  lift(cx: AbiContext, flat: FlatReader): Value;
  /** Lowers to core values, which it appends. */
  lower(cx: AbiContext, value: Value, flat: CoreValue[]): void;
}

const codecs = new WeakMap<ComponentValueType, Codec>();

/** Returns the codec of a type. */
export function codecOf(type: ComponentValueType): Codec {
  let codec = codecs.get(type);
  if (codec === undefined) codecs.set(type, codec = makeCodec(type));
  return codec;
}

function makeCodec(type: ComponentValueType): Codec {
  switch (type.kind) {
    case "bool":
      return {
        load: ({ memory }, pointer) => memory.view.getUint8(pointer) !== 0,
        store: ({ memory }, value, pointer) => memory.view.setUint8(pointer, value ? 1 : 0),
        lift: (_, flat) => flat.u32() !== 0,
        lower: (_, value, flat) => void flat.push(value ? 1 : 0),
      };
    case "u8":
      return integer("Uint8", (value) => value & 0xff);
    case "s8":
      return integer("Int8", (value) => value << 24 >> 24);
    case "u16":
      return integer("Uint16", (value) => value & 0xffff);
    case "s16":
      return integer("Int16", (value) => value << 16 >> 16);
    case "u32":
      return integer("Uint32", (value) => value >>> 0);
    case "s32":
      return integer("Int32", (value) => value | 0);
    case "u64":
      return integer64("BigUint64", (value) => BigInt.asUintN(64, value));
    case "s64":
      return integer64("BigInt64", (value) => BigInt.asIntN(64, value));
    case "f32":
      return float("Float32");
    case "f64":
      return float("Float64");
    case "char":
      return {
        load: ({ memory }, pointer) => toChar(memory.view.getUint32(pointer, true)),
        store: ({ memory }, value, pointer) =>
          memory.view.setUint32(pointer, codePoint(value), true),
        lift: (_, flat) => toChar(flat.u32()),
        lower: (_, value, flat) => void flat.push(codePoint(value)),
      };
    case "string":
      return pointerPair(loadString, (cx, value) => storeString(cx, value as string));
    case "list":
      return type.length === undefined ? listCodec(type) : fixedListCodec(type, type.length);
    case "map":
      return listCodec({
        kind: "list",
        element: { kind: "tuple", types: [type.key, type.value] },
      });
    case "record":
      return recordCodec(
        type.fields.map(({ type }) => type),
        (value, index) => (value as Record<string, Value>)[type.fields[index]?.label ?? ""],
        (values) =>
          Object.fromEntries(type.fields.map(({ label }, index) => [label, values[index]])),
      );
    case "tuple":
      return recordCodec(
        type.types,
        (value, index) => (value as readonly Value[])[index],
        (values) => values,
      );
    case "flags":
      return flagsCodec(type.labels.length);
    case "own":
    case "borrow":
      return handleCodec(type);
    case "variant":
    case "enum":
    case "option":
    case "result":
      return casesCodec(type);
    case "stream":
    case "future":
      return indexCodec(
        (cx, index) => cx.liftCopy(type, index),
        (cx, value) => cx.lowerCopy(type, value as object),
      );
    case "error-context":
      return indexCodec(
        (cx, index) => cx.liftError(index),
        (cx, value) => cx.lowerError(value as object),
      );
  }
}

function integer(
  name: "Uint8" | "Int8" | "Uint16" | "Int16" | "Uint32" | "Int32",
  wrap: (value: number) => number,
): Codec {
  const get = `get${name}` as const;
  const set = `set${name}` as const;
  return {
    load: ({ memory }, pointer) => memory.view[get](pointer, true),
    store: ({ memory }, value, pointer) => memory.view[set](pointer, value as number, true),
    lift: (_, flat) => wrap(flat.number()),
    lower: (_, value, flat) => void flat.push(value as number),
  };
}

function integer64(name: "BigUint64" | "BigInt64", wrap: (value: bigint) => bigint): Codec {
  const get = `get${name}` as const;
  const set = `set${name}` as const;
  return {
    load: ({ memory }, pointer) => memory.view[get](pointer, true),
    store: ({ memory }, value, pointer) => memory.view[set](pointer, value as bigint, true),
    lift: (_, flat) => wrap(BigInt(flat.next())),
    lower: (_, value, flat) => void flat.push(value as bigint),
  };
}

function float(name: "Float32" | "Float64"): Codec {
  const get = `get${name}` as const;
  const set = `set${name}` as const;
  return {
    load: ({ memory }, pointer) => memory.view[get](pointer, true),
    store: ({ memory }, value, pointer) => memory.view[set](pointer, value as number, true),
    lift: (_, flat) => flat.number(),
    lower: (_, value, flat) => void flat.push(value as number),
  };
}

function toChar(code: number): string {
  if (code >= 0x110000 || (code >= 0xd800 && code <= 0xdfff)) {
    throw trap(`0x${code.toString(16)} is not a Unicode scalar value`);
  }
  return String.fromCodePoint(code);
}

function codePoint(value: Value): number {
  return (value as string).codePointAt(0) ?? 0;
}

/** Returns the codec of a type that is stored as a pointer and a length. */
function pointerPair(
  load: (cx: AbiContext, pointer: number, length: number) => Value,
  store: (cx: AbiContext, value: Value) => { pointer: number; length: number },
): Codec {
  return {
    load(cx, at) {
      const { view } = cx.memory;
      return load(cx, view.getUint32(at, true), view.getUint32(at + 4, true));
    },
    store(cx, value, at) {
      const { pointer, length } = store(cx, value);
      const { view } = cx.memory;
      view.setUint32(at, pointer, true);
      view.setUint32(at + 4, length, true);
    },
    lift: (cx, flat) => load(cx, flat.u32(), flat.u32()),
    lower(cx, value, flat) {
      const { pointer, length } = store(cx, value);
      flat.push(pointer, length);
    },
  };
}

/** Bytes of the longest list that may cross between components. */
const maxListBytes = 2 ** 28 - 1;
/** Bytes that an element of a list counts for at least, as it becomes a value of JavaScript. */
const minElementBytes = 16;

function listCodec({ element }: ListType): Codec {
  const { size, alignment } = layoutOf(element);
  const codec = codecOf(element);
  const bytesCounted = Math.max(size, minElementBytes);
  const checked = (cx: AbiContext, pointer: number, length: number) => {
    const bytes = length * size;
    if (bytes > maxListBytes) throw trap(`a list of ${bytes} bytes is longer than ${maxListBytes}`);
    checkRange(cx, pointer, { size: bytes, alignment });
  };
  if (element.kind === "u8") {
    return pointerPair((cx, pointer, length) => {
      checked(cx, pointer, length);
      cx.countLifted(length);
      const { bytes } = cx.memory;
      return cx.borrowsBytes
        ? bytes.subarray(pointer, pointer + length)
        : bytes.slice(pointer, pointer + length);
    }, (cx, value) => {
      const bytes = value as Uint8Array;
      const pointer = allocate(cx, bytes.length, 1);
      cx.memory.bytes.set(bytes, pointer);
      return { pointer, length: bytes.length };
    });
  }
  return pointerPair((cx, pointer, length) => {
    checked(cx, pointer, length);
    const values: Value[] = [];
    for (let i = 0; i < length; i++) {
      cx.countLifted(bytesCounted);
      values.push(codec.load(cx, pointer + i * size));
    }
    return values;
  }, (cx, value) => {
    const values = value as readonly Value[];
    const { length } = values;
    if (length * size > maxListBytes) throw trap(`a list of ${length * size} bytes is too long`);
    const pointer = allocate(cx, length * size, alignment);
    for (let i = 0; i < length; i++) codec.store(cx, values[i], pointer + i * size);
    return { pointer, length };
  });
}

function fixedListCodec({ element }: ListType, length: number): Codec {
  const { size } = layoutOf(element);
  const codec = codecOf(element);
  const times = <T>(make: (index: number) => T) => Array.from({ length }, (_, i) => make(i));
  const at = (value: Value, index: number) => (value as readonly Value[])[index];
  const packed = (values: number[]) => element.kind === "u8" ? new Uint8Array(values) : values;
  return {
    load: (cx, pointer) => packed(times((i) => codec.load(cx, pointer + i * size)) as number[]),
    store: (cx, value, pointer) =>
      void times((i) => codec.store(cx, at(value, i), pointer + i * size)),
    lift: (cx, flat) => packed(times(() => codec.lift(cx, flat)) as number[]),
    lower: (cx, value, flat) => void times((i) => codec.lower(cx, at(value, i), flat)),
  };
}

function recordCodec(
  types: readonly ComponentValueType[],
  get: (value: Value, index: number) => Value,
  make: (values: Value[]) => Value,
): Codec {
  const { offsets } = recordLayout(types);
  const parts = types.map(codecOf);
  return {
    load: (cx, pointer) =>
      make(parts.map((part, index) => part.load(cx, pointer + (offsets[index] ?? 0)))),
    store(cx, value, pointer) {
      for (const [index, part] of parts.entries()) {
        part.store(cx, get(value, index), pointer + (offsets[index] ?? 0));
      }
    },
    lift: (cx, flat) => make(parts.map((part) => part.lift(cx, flat))),
    lower(cx, value, flat) {
      for (const [index, part] of parts.entries()) part.lower(cx, get(value, index), flat);
    },
  };
}

function flagsCodec(labels: number): Codec {
  const size = flagsSize(labels);
  const name = size === 1 ? "Uint8" : size === 2 ? "Uint16" : "Uint32";
  const mask = labels === 32 ? 0xffff_ffff : 2 ** labels - 1;
  const get = `get${name}` as const;
  const set = `set${name}` as const;
  return {
    load: ({ memory }, pointer) => (memory.view[get](pointer, true) & mask) >>> 0,
    store: ({ memory }, value, pointer) => memory.view[set](pointer, value as number, true),
    lift: (_, flat) => (flat.u32() & mask) >>> 0,
    lower: (_, value, flat) => void flat.push(value as number),
  };
}

function handleCodec({ kind, resource: { resource } }: HandleType): Codec {
  return indexCodec(
    (cx, handle) =>
      (kind === "own" ? cx.liftOwn(resource, handle) : cx.liftBorrow(resource, handle)) as Value,
    (cx, rep) => kind === "own" ? cx.lowerOwn(resource, rep) : cx.lowerBorrow(resource, rep),
  );
}

/** Returns the codec of a type whose values are indices into the table of an instance. */
function indexCodec(
  lift: (cx: AbiContext, index: number) => Value,
  lower: (cx: AbiContext, value: Value) => number,
): Codec {
  return {
    load: (cx, pointer) => lift(cx, cx.memory.view.getUint32(pointer, true)),
    store: (cx, value, pointer) => cx.memory.view.setUint32(pointer, lower(cx, value), true),
    lift: (cx, flat) => lift(cx, flat.u32()),
    lower: (cx, value, flat) => void flat.push(lower(cx, value)),
  };
}

/** Converts a value to the index of its case and its payload, and back. */
interface Cases {
  open(value: Value): { readonly index: number; readonly payload: Value };
  make(index: number, payload: Value): Value;
}

function casesOfValue(type: ComponentValueType): Cases {
  switch (type.kind) {
    case "option": {
      const isNested = type.type.kind === "option";
      return {
        open(value) {
          if (value === undefined) return { index: 0, payload: undefined };
          return { index: 1, payload: isNested ? (value as { value: Value }).value : value };
        },
        make: (index, payload) => index === 0 ? undefined : isNested ? { value: payload } : payload,
      };
    }
    case "enum":
      return {
        open: (value) => ({ index: indexOf(type.labels, value as string), payload: undefined }),
        make: (index) => type.labels[index],
      };
    default: {
      const labels = type.kind === "variant"
        ? type.cases.map(({ label }) => label)
        : ["ok", "error"];
      return {
        open(value) {
          const { tag, value: payload } = value as { tag: string; value?: Value };
          return { index: indexOf(labels, tag), payload };
        },
        make: (index, payload) => ({ tag: labels[index], value: payload }),
      };
    }
  }
}

function indexOf(labels: readonly string[], label: string): number {
  const index = labels.indexOf(label);
  if (index < 0) throw new Error(`"${label}" is not one of the cases ${labels.join(", ")}`);
  return index;
}

function casesCodec(type: ComponentValueType): Codec {
  const types = casesOf(type) ?? [];
  const layout = variantLayout(types);
  const { discriminantSize, payloadOffset, payloadFlat } = layout;
  const payloads = types.map((type) => type && codecOf(type));
  const flats = types.map((type) => type ? layoutOf(type).flat : []);
  const { open, make } = casesOfValue(type);
  const check = (index: number) => {
    if (index >= types.length) throw trap(`${index} is not a case of a ${type.kind}`);
    return index;
  };
  const load = ({ memory: { view } }: AbiContext, pointer: number) =>
    discriminantSize === 1
      ? view.getUint8(pointer)
      : discriminantSize === 2
      ? view.getUint16(pointer, true)
      : view.getUint32(pointer, true);
  return {
    load(cx, pointer) {
      const index = check(load(cx, pointer));
      return make(index, payloads[index]?.load(cx, pointer + payloadOffset));
    },
    store(cx, value, pointer) {
      const { index, payload } = open(value);
      const { view } = cx.memory;
      if (discriminantSize === 1) view.setUint8(pointer, index);
      else if (discriminantSize === 2) view.setUint16(pointer, index, true);
      else view.setUint32(pointer, index, true);
      payloads[index]?.store(cx, payload, pointer + payloadOffset);
    },
    lift(cx, flat) {
      const index = check(flat.u32());
      const joined = payloadFlat.map(() => flat.next());
      const wanted = flats[index] ?? [];
      const payload = payloads[index];
      if (!payload) return make(index, undefined);
      const values = wanted.map((want, at) => coerce(joined[at] ?? 0, payloadFlat[at], want));
      return make(index, payload.lift(cx, new FlatReader(values)));
    },
    lower(cx, value, flat) {
      const { index, payload } = open(value);
      const values: CoreValue[] = [];
      payloads[index]?.lower(cx, payload, values);
      const have = flats[index] ?? [];
      flat.push(index);
      for (const [at, want] of payloadFlat.entries()) {
        const from = have[at];
        const value = values[at];
        flat.push(
          from === undefined || value === undefined
            ? (want === "i64" ? 0n : 0)
            : coerce(value, from, want),
        );
      }
    },
  };
}

const scratch = new DataView(new ArrayBuffer(8));

/** Reinterprets a core value between the joined type of a variant and the type of a case. */
function coerce(value: CoreValue, have: FlatType | undefined, want: FlatType): CoreValue {
  if (have === want) return value;
  scratch.setBigUint64(0, 0n);
  switch (have) {
    case "i32":
      scratch.setUint32(0, Number(value), true);
      break;
    case "i64":
      scratch.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
      break;
    case "f32":
      scratch.setFloat32(0, Number(value), true);
      break;
    case "f64":
      scratch.setFloat64(0, Number(value), true);
  }
  switch (want) {
    case "i32":
      return scratch.getInt32(0, true);
    case "i64":
      return scratch.getBigInt64(0, true);
    case "f32":
      return scratch.getFloat32(0, true);
    case "f64":
      return scratch.getFloat64(0, true);
  }
}
