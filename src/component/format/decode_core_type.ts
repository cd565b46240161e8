import { hex, malformed, type Reader } from "../../prepare/format/reader.ts";
import { decodeVector } from "./decode_parts.ts";
import type {
  CoreDeclSyntax,
  CoreExternType,
  CoreLimits,
  CoreTypeSyntax,
  CoreValueType,
} from "./syntax.ts";

const valueTypes: Readonly<Record<number, CoreValueType>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

/**
 * Decodes a core value type.
 * @throws CapsuleError `LOAD` for a type of the garbage-collection proposal.
 */
export function decodeCoreValueType(reader: Reader): CoreValueType {
  const at = reader.at;
  const code = reader.byte("core value type");
  const type = valueTypes[code];
  if (type === undefined) throw malformed(`${hex(code)} is not a core value type`, at);
  return type;
}

/** Decodes a core function type or module type. */
export function decodeCoreType(reader: Reader): CoreTypeSyntax {
  const at = reader.at;
  const form = reader.byte("core type");
  if (form === 0) {
    // A function type that may have subtypes has the form of a final one.
    const subtypeAt = reader.at;
    if (reader.byte("core type") !== 0x50) {
      throw malformed("a core type is not a subtype", subtypeAt);
    }
    decodeVector(reader, "supertypes", () => reader.u32("supertype"));
    return decodeCoreType(reader);
  }
  if (form === 0x60) {
    const params = decodeVector(reader, "parameters", () => decodeCoreValueType(reader));
    const results = decodeVector(reader, "results", () => decodeCoreValueType(reader));
    return { kind: "func", type: { params, results } };
  }
  if (form !== 0x50) throw malformed(`${hex(form)} is not a core type`, at);
  return {
    kind: "module",
    declarations: decodeVector(reader, "declarations", () => decodeDeclaration(reader)),
  };
}

function decodeDeclaration(reader: Reader): CoreDeclSyntax {
  const at = reader.at;
  const form = reader.byte("declaration of a module type");
  switch (form) {
    case 0: {
      const module = reader.name("module of an import");
      const name = reader.name("name of an import");
      return { kind: "import", module, name, type: decodeExternType(reader) };
    }
    case 1: {
      const typeAt = reader.at;
      const type = decodeCoreType(reader);
      if (type.kind === "module") throw malformed("a module type declares a module type", typeAt);
      return { kind: "type", type };
    }
    case 2: {
      if (reader.byte("alias") !== 0x10 || reader.byte("alias") !== 0x01) {
        throw malformed("an alias of a module type is not an outer type alias", at);
      }
      return {
        kind: "alias",
        count: reader.u32("count of an outer alias"),
        index: reader.u32("index of an outer alias"),
      };
    }
    case 3: {
      const name = reader.name("name of an export");
      return { kind: "export", name, type: decodeExternType(reader) };
    }
  }
  throw malformed(`${hex(form)} is not a declaration of a module type`, at);
}

function decodeExternType(reader: Reader): CoreExternType<number> {
  const at = reader.at;
  const kind = reader.byte("kind of a core import or export");
  switch (kind) {
    case 0:
      return { kind: "core func", type: reader.u32("type of a core function") };
    case 1: {
      const element = decodeCoreValueType(reader);
      return { kind: "core table", element, limits: decodeLimits(reader) };
    }
    case 2:
      return { kind: "core memory", limits: decodeLimits(reader) };
    case 3: {
      const type = decodeCoreValueType(reader);
      return { kind: "core global", type, isMutable: reader.byte("mutability") === 1 };
    }
    case 4:
      reader.byte("attribute of a tag");
      return { kind: "core tag", type: reader.u32("type of a tag") };
  }
  throw malformed(`${hex(kind)} is not a kind of a core import or export`, at);
}

function decodeLimits(reader: Reader): CoreLimits {
  const at = reader.at;
  const flags = reader.byte("limits");
  if (flags > 7) throw malformed(`${hex(flags)} is not a form of limits`, at);
  const is64 = (flags & 4) !== 0;
  const number = () => BigInt(is64 ? reader.u64("limits") : reader.u32("limits"));
  const min = number();
  const max = (flags & 1) !== 0 ? number() : undefined;
  return { min, max, is64, isShared: (flags & 2) !== 0 };
}
