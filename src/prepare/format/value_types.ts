import { hex, type Reader, UnknownConstruct } from "./reader.ts";

/** Types that a value of a known module can have. `unknown` stands for all that came with the garbage collector. */
export type ValueType =
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "v128"
  | "funcref"
  | "externref"
  | "exnref"
  | "unknown";

/** What a function, a tag or an import of them takes and gives. */
export interface FunctionType {
  params: ValueType[];
  results: ValueType[];
}

const names = new Map<number, ValueType>([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
  [0x70, "funcref"],
  [0x6f, "externref"],
  [0x69, "exnref"],
]);

const codes = new Map([...names].map(([code, name]) => [name, code]));

/** The byte of a known type. */
export function valueTypeCode(type: ValueType): number {
  const code = codes.get(type);
  if (code === undefined) throw new Error(`no code for the type ${type}`);
  return code;
}

/** Whether `byte` alone is a value type that the rewriter knows. */
export function isValueType(byte: number): boolean {
  return names.has(byte);
}

/** A value type; one that is not known throws `UnknownConstruct`. */
export function readValueType(reader: Reader): ValueType {
  const offset = reader.at;
  const byte = reader.byte("value type");
  const name = names.get(byte);
  if (!name) throw unknownType(byte, offset);
  return name;
}

/** The complaint about a type that is not known, whether it exists or not: V8 says which when it compiles the module. */
export function unknownType(byte: number, offset: number): UnknownConstruct {
  return new UnknownConstruct(hex(byte), offset, "a type of the garbage collector, or none at all");
}
