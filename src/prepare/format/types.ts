import { hex, type Reader, UnknownConstruct } from "./reader.ts";
import { type FunctionType, isReference, readValueType, type ValueType } from "./value_types.ts";

/** An entry of the type section; only a function type has parameters and results. */
export interface DefinedType extends FunctionType {
  kind: "function" | "struct" | "array";
  /** Equal for two function types that are written alike. */
  key: string;
  /**
   * Equal for two function types of which one may stand for the other in a table call: subtypes
   * differ only in which references they take and return.
   */
  callKey: string;
}

/**
 * Codes of the entries (https://webassembly.github.io/spec/core/binary/types.html#recursive-types).
 */
const Form = {
  recursive: 0x4e,
  finalSubtype: 0x4f,
  subtype: 0x50,
  array: 0x5e,
  struct: 0x5f,
  function: 0x60,
} as const;

/** V8's limit of the parameters, and of the results, of a function type. */
const maxParameters = 1000;
/** V8's limit of the fields of a structure. */
const maxFields = 10_000;

/** Reads the type section into `types`. Throws `UnknownConstruct` for a form that is not known. */
export function readTypeSection(reader: Reader, types: DefinedType[]): void {
  for (let left = reader.count("types"); left > 0; left--) {
    if (reader.bytes[reader.at] !== Form.recursive) types.push(readSubtype(reader));
    else {
      reader.skip(1, "recursive types");
      for (let inside = reader.count("recursive types"); inside > 0; inside--) {
        types.push(readSubtype(reader));
      }
    }
  }
}

function readSubtype(reader: Reader): DefinedType {
  const form = reader.byte("type");
  if (form !== Form.subtype && form !== Form.finalSubtype) return readForm(reader, form);
  for (let left = reader.count("supertypes"); left > 0; left--) reader.u32("supertype");
  return readForm(reader, reader.byte("type"));
}

function readForm(reader: Reader, form: number): DefinedType {
  const at = reader.at - 1;
  switch (form) {
    case Form.function: {
      const params = readTypes(reader, "parameters");
      const results = readTypes(reader, "results");
      const callKey = `${params.map(callKind)}>${results.map(callKind)}`;
      return { kind: "function", params, results, key: `${params}>${results}`, callKey };
    }
    case Form.struct:
      for (let left = reader.count("fields", maxFields); left > 0; left--) skipField(reader);
      return { kind: "struct", params: [], results: [], key: "struct", callKey: "struct" };
    case Form.array:
      skipField(reader);
      return { kind: "array", params: [], results: [], key: "array", callKey: "array" };
    default:
      throw new UnknownConstruct(hex(form), at, "a form of types");
  }
}

function readTypes(reader: Reader, what: string): ValueType[] {
  const types: ValueType[] = [];
  for (let left = reader.count(what, maxParameters); left > 0; left--) {
    types.push(readValueType(reader));
  }
  return types;
}

function callKind(type: ValueType): string {
  return isReference(type) ? "ref" : type;
}

const packedTypes = [0x77, 0x78]; // i16 i8

/** Skips the type and the mutability of a field. */
function skipField(reader: Reader): void {
  if (packedTypes.includes(reader.bytes[reader.at] ?? 0)) reader.skip(1, "packed type");
  else readValueType(reader);
  reader.skip(1, "mutability of a field");
}
