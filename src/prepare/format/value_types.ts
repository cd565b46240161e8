import { hex, type Reader, UnknownConstruct } from "./reader.ts";

/** A type of numbers or vectors. */
type NumberType = "i32" | "i64" | "f32" | "f64" | "v128";

/** A reference type with a one-byte code: all of them are nullable. */
type ShortReference =
  | "funcref"
  | "externref"
  | "exnref"
  | "anyref"
  | "eqref"
  | "i31ref"
  | "structref"
  | "arrayref"
  | "nullref"
  | "nullfuncref"
  | "nullexternref"
  | "nullexnref";

/**
 * The type of a value, named as in the text format; `unknown` where the module uses a type that the
 * rewriter does not know.
 */
export type ValueType = NumberType | ShortReference | `(ref ${string})` | "unknown";

/** A function's, or a tag's, parameters and results. */
export interface FunctionType {
  params: ValueType[];
  results: ValueType[];
}

/** One-byte codes (https://webassembly.github.io/spec/core/binary/types.html). */
const codes = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
  exnref: 0x69,
  anyref: 0x6e,
  eqref: 0x6d,
  i31ref: 0x6c,
  structref: 0x6b,
  arrayref: 0x6a,
  nullref: 0x71,
  nullfuncref: 0x73,
  nullexternref: 0x72,
  nullexnref: 0x74,
} as const satisfies Record<NumberType | ShortReference, number>;

const names = new Map(
  Object.entries(codes).map(([name, code]) => [code as number, name as keyof typeof codes]),
);

/** Prefix of a reference type that names its heap type: `(ref null …)` and `(ref …)`. */
const refNull = 0x63;
const ref = 0x64;

/** Codes of the abstract heap types, which are those of the short references. */
const firstHeapType = codes.exnref;
const lastHeapType = codes.nullexnref;

/** Returns the code of a type that has one byte. */
export function valueTypeCode(type: ValueType): number {
  const code = (codes as Partial<Record<ValueType, number>>)[type];
  if (code === undefined) throw new Error(`the type ${type} has no one-byte code`);
  return code;
}

/** Reports whether a value type begins with `byte`. */
export function beginsValueType(byte: number): boolean {
  return names.has(byte) || byte === refNull || byte === ref;
}

/** Reads a value type. Throws `UnknownConstruct` for one that is not in the table. */
export function readValueType(reader: Reader): ValueType {
  const offset = reader.at;
  const byte = reader.byte("value type");
  const name = names.get(byte);
  if (name !== undefined) return name;
  if (byte === refNull) return `(ref null ${readHeapType(reader)})`;
  if (byte === ref) return `(ref ${readHeapType(reader)})`;
  throw unknownType(byte, offset);
}

/**
 * Reads a heap type: an abstract one, which is a negative number, or the index of a type. V8 takes
 * either in any width.
 */
export function readHeapType(reader: Reader): string {
  const offset = reader.at;
  const number = reader.s33("heap type");
  if (number >= 0) return String(number);
  const code = number & 0x7f;
  const name = names.get(code);
  if (number < -64 || code < firstHeapType || code > lastHeapType || !name) {
    throw unknownType(code, offset);
  }
  return name;
}

/** Reports whether values of a type are references. */
export function isReference(type: ValueType): boolean {
  return type.endsWith("ref") || type.startsWith("(ref");
}

/** Returns the error for a type that is not in the table; V8 decides whether it exists. */
export function unknownType(byte: number, offset: number): UnknownConstruct {
  return new UnknownConstruct(hex(byte), offset, "a type");
}
