import { hex, malformed, type Reader } from "../../prepare/format/reader.ts";
import { decodeAlias, decodeExternName, decodeOptional, decodeVector } from "./decode_parts.ts";
import { decodeCoreType, decodeCoreValueType } from "./decode_core_type.ts";
import type {
  ExternTypeSyntax,
  FuncTypeSyntax,
  LabelledType,
  PrimitiveType,
  TypeDeclSyntax,
  TypeSyntax,
  ValueTypeSyntax,
} from "./syntax.ts";

const primitives: Readonly<Record<number, PrimitiveType>> = {
  0x7f: "bool",
  0x7e: "s8",
  0x7d: "u8",
  0x7c: "s16",
  0x7b: "u16",
  0x7a: "s32",
  0x79: "u32",
  0x78: "s64",
  0x77: "u64",
  0x76: "f32",
  0x75: "f64",
  0x74: "char",
  0x73: "string",
  0x64: "error-context",
};

/** Deepest nesting of component and instance types; each level is a call of this decoder. */
const maxDepth = 100;

/** Decodes a type definition. */
export function decodeType(reader: Reader, depth = 0): TypeSyntax {
  const at = reader.at;
  const code = reader.byte("type");
  const primitive = primitives[code];
  if (primitive !== undefined) return { kind: "primitive", type: primitive };
  const value = () => decodeValueType(reader);
  const optional = () => decodeOptional(reader, decodeValueType);
  const labels = () => decodeVector(reader, "labels", () => reader.name("label"));
  switch (code) {
    case 0x72:
      return { kind: "record", fields: decodeLabelledTypes(reader, "fields") };
    case 0x71:
      return {
        kind: "variant",
        cases: decodeVector(reader, "cases", () => {
          const label = reader.name("label of a case");
          const type = optional();
          const endAt = reader.at;
          if (reader.byte("end of a case") !== 0) throw malformed("a case does not end", endAt);
          return { label, type };
        }),
      };
    case 0x70:
      return { kind: "list", element: value() };
    case 0x67: {
      const element = value();
      return { kind: "list", element, length: reader.u32("length of a list") };
    }
    case 0x6f:
      return { kind: "tuple", types: decodeVector(reader, "types of a tuple", value) };
    case 0x6e:
      return { kind: "flags", labels: labels() };
    case 0x6d:
      return { kind: "enum", labels: labels() };
    case 0x6b:
      return { kind: "option", type: value() };
    case 0x6a: {
      const ok = optional();
      return { kind: "result", ok, error: optional() };
    }
    case 0x69:
      return { kind: "own", resource: reader.u32("type index") };
    case 0x68:
      return { kind: "borrow", resource: reader.u32("type index") };
    case 0x66:
      return { kind: "stream", element: optional() };
    case 0x65:
      return { kind: "future", element: optional() };
    case 0x63: {
      const key = value();
      return { kind: "map", key, value: value() };
    }
    case 0x40:
    case 0x43:
      return decodeFuncType(reader, code === 0x43);
    case 0x41:
    case 0x42: {
      if (depth > maxDepth) {
        throw malformed(`types are nested more than ${maxDepth} levels deep`, at);
      }
      const isComponent = code === 0x41;
      return {
        kind: isComponent ? "component type" : "instance type",
        declarations: decodeVector(
          reader,
          "declarations",
          () => decodeDeclaration(reader, { isComponent, depth: depth + 1 }),
        ),
      };
    }
    case 0x3f: {
      const rep = decodeCoreValueType(reader);
      const destructor = decodeOptional(reader, () => reader.u32("destructor"));
      return { kind: "resource", rep, destructor };
    }
  }
  throw malformed(`${hex(code)} is not a type`, at);
}

function decodeFuncType(reader: Reader, isAsync: boolean): FuncTypeSyntax {
  const params = decodeLabelledTypes(reader, "parameters");
  return { kind: "func", isAsync, params, result: decodeResult(reader) };
}

/** Decodes the result type of a function, if it has one. */
export function decodeResult(reader: Reader): ValueTypeSyntax | undefined {
  const at = reader.at;
  const form = reader.byte("results");
  if (form === 0) return decodeValueType(reader);
  if (form !== 1 || reader.byte("results") !== 0) throw malformed("results are malformed", at);
  return undefined;
}

function decodeLabelledTypes(reader: Reader, what: string): LabelledType[] {
  return decodeVector(reader, what, () => {
    const label = reader.name("label");
    return { label, type: decodeValueType(reader) };
  });
}

/** Decodes a primitive type, or the index of a type as a non-negative signed LEB128 number. */
function decodeValueType(reader: Reader): ValueTypeSyntax {
  const at = reader.at;
  const first = reader.bytes[at];
  if (at >= reader.end || first === undefined || first < 0x40 || first >= 0x80) {
    return reader.u32("value type");
  }
  reader.at++;
  const primitive = primitives[first];
  if (primitive === undefined) throw malformed(`${hex(first)} is not a value type`, at);
  return primitive;
}

function decodeDeclaration(
  reader: Reader,
  { isComponent, depth }: { isComponent: boolean; depth: number },
): TypeDeclSyntax {
  const offset = reader.at;
  const form = reader.byte("declaration");
  switch (form) {
    case 0:
      return { kind: "core type", type: decodeCoreType(reader), offset };
    case 1:
      return { kind: "type", type: decodeType(reader, depth), offset };
    case 2:
      return { kind: "alias", alias: decodeAlias(reader), offset };
    case 3:
    case 4: {
      if (form === 3 && !isComponent) throw malformed("an instance type has an import", offset);
      const kind = form === 3 ? "import" : "export";
      const name = decodeExternName(reader);
      return { kind, declaration: { ...name, type: decodeExternType(reader) }, offset };
    }
  }
  throw malformed(`${hex(form)} is not a declaration`, offset);
}

/** Decodes the type of an import or export. */
export function decodeExternType(reader: Reader): ExternTypeSyntax {
  const at = reader.at;
  const code = reader.byte("type of an import or export");
  switch (code) {
    case 0: {
      const sort = reader.byte("core sort");
      if (sort !== 0x11) throw malformed(`${hex(sort)} is not the sort of a core module`, at);
      return { kind: "core module", type: reader.u32("type index") };
    }
    case 1:
      return { kind: "func", type: reader.u32("type index") };
    case 3: {
      const form = reader.byte("bound of a type");
      if (form === 0) return { kind: "type", bound: reader.u32("type index") };
      if (form === 1) return { kind: "type", bound: "resource" };
      throw malformed(`${hex(form)} is not a bound of a type`, at);
    }
    case 4:
      return { kind: "component", type: reader.u32("type index") };
    case 5:
      return { kind: "instance", type: reader.u32("type index") };
  }
  throw malformed(`${hex(code)} is not the type of an import or export`, at);
}
