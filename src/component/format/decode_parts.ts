import { hex, malformed, type Reader } from "../../prepare/format/reader.ts";
import type { AliasSyntax, Sort } from "./syntax.ts";

/** Decodes an alias definition or declaration. */
export function decodeAlias(reader: Reader): AliasSyntax {
  const sort = decodeSort(reader);
  const at = reader.at;
  const target = reader.byte("target of an alias");
  switch (target) {
    case 0:
    case 1: {
      const instance = reader.u32("instance index");
      const kind = target === 0 ? "export" : "core export";
      return { kind, sort, instance, name: reader.name("name of an alias") };
    }
    case 2: {
      const count = reader.u32("count of an outer alias");
      return { kind: "outer", sort, count, index: reader.u32("index of an outer alias") };
    }
  }
  throw malformed(`${hex(target)} is not a target of an alias`, at);
}

/** The attributes of a name, by their code. */
const attributes = ["implements", "versionsuffix", "external-id"] as const;

/** A name with the attributes that describe it. */
export type NameSyntax =
  & { readonly name: string }
  & {
    readonly [Attribute in typeof attributes[number]]?: string;
  };

/** Decodes the name of an import or export. */
export function decodeExternName(reader: Reader): NameSyntax {
  const at = reader.at;
  const form = reader.byte("name of an import or export");
  if (form > 2) throw malformed(`${hex(form)} is not a form of a name`, at);
  const name = reader.name("name of an import or export");
  const found: { [name: string]: string } = {};
  if (form === 2) {
    decodeVector(reader, "attributes", () => {
      const kindAt = reader.at;
      const kind = reader.byte("attribute");
      const attribute = attributes[kind];
      if (attribute === undefined) {
        throw malformed(`${hex(kind)} is not an attribute of a name`, kindAt);
      }
      if (found[attribute] !== undefined) {
        throw malformed(`the attribute ${attribute} is given twice`, kindAt);
      }
      found[attribute] = reader.name("attribute");
    });
  }
  return { ...found, name };
}

const coreSorts: Readonly<Record<number, Sort>> = {
  0x00: "core func",
  0x01: "core table",
  0x02: "core memory",
  0x03: "core global",
  0x04: "core tag",
  0x10: "core type",
  0x11: "core module",
  0x12: "core instance",
};

const sorts: readonly Sort[] = ["core func", "func", "value", "type", "component", "instance"];

/** Decodes the sort of a core item. */
export function decodeCoreSort(reader: Reader): Sort {
  const at = reader.at;
  const code = reader.byte("core sort");
  const sort = coreSorts[code];
  if (sort === undefined) throw malformed(`${hex(code)} is not a core sort`, at);
  return sort;
}

/** Decodes the sort of an item. */
export function decodeSort(reader: Reader): Sort {
  const at = reader.at;
  const code = reader.byte("sort");
  if (code === 0) return decodeCoreSort(reader);
  const sort = sorts[code];
  if (sort === undefined) throw malformed(`${hex(code)} is not a sort`, at);
  return sort;
}

/** Decodes a count and as many items. */
export function decodeVector<T>(reader: Reader, what: string, decode: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.count(what); left > 0; left--) items.push(decode());
  return items;
}

/** Decodes `0x00`, or `0x01` and a value. */
export function decodeOptional<T>(
  reader: Reader,
  decode: (reader: Reader) => T,
): T | undefined {
  const at = reader.at;
  const flag = reader.byte("optional value");
  if (flag > 1) throw malformed(`${hex(flag)} is not the flag of an optional value`, at);
  return flag === 1 ? decode(reader) : undefined;
}
