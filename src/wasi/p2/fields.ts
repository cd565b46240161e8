import type { Value } from "../../component/abi/codec.ts";
import { err, ok, type P2Interface } from "./state.ts";

/** A `token` (RFC 9110 § 5.6.2). */
const namePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Headers that a guest cannot set: hop-by-hop headers (RFC 9110 § 7.6.1) and those that the server
 * or client writes.
 */
const forbidden: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "host",
  "http2-settings",
]);

/** Reports whether a guest neither sees nor sets a header. */
export function isForbidden(name: string): boolean {
  return forbidden.has(name.toLowerCase());
}

/** Most fields of one list, and most bytes of their names and values together. */
const maxFields = 10_000;
const maxBytes = 1 << 20;

/** The resource `fields`. Names are kept in lower case, values as bytes. */
export class Fields {
  /** Entries in the order of their addition. */
  readonly entries: [name: string, value: Uint8Array][];
  isMutable = true;
  #bytes = 0;

  constructor(entries: [name: string, value: Uint8Array][] = []) {
    this.entries = entries;
    for (const entry of entries) this.#bytes += sizeOf(...entry);
  }

  /** The number of bytes that `content-length` announces; undefined without a valid one. */
  get contentLength(): number | undefined {
    const [length] = this.get("content-length");
    const number = length && Number(new TextDecoder().decode(length));
    return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
  }

  get(name: string): Uint8Array[] {
    const lower = name.toLowerCase();
    return this.entries.flatMap(([name, value]) => name === lower ? [value] : []);
  }

  delete(name: string): void {
    const lower = name.toLowerCase();
    let kept = 0;
    for (const entry of this.entries) {
      if (entry[0] !== lower) this.entries[kept++] = entry;
      else this.#bytes -= sizeOf(...entry);
    }
    this.entries.length = kept;
  }

  /** Adds a field. Returns false if the list would grow too large. */
  append(name: string, value: Uint8Array): boolean {
    const bytes = sizeOf(name, value);
    if (this.entries.length >= maxFields || this.#bytes + bytes > maxBytes) return false;
    this.#bytes += bytes;
    this.entries.push([name.toLowerCase(), value]);
    return true;
  }

  /** Returns an immutable copy: headers of a message that was sent or received. */
  frozen(): Fields {
    const copy = new Fields(this.entries.slice());
    copy.isMutable = false;
    return copy;
  }
}

function sizeOf(name: string, value: Uint8Array): number {
  return name.length + value.length;
}

/** Reports whether bytes are visible characters, spaces and tabs (RFC 9110 § 5.5). */
function isText(value: Uint8Array): boolean {
  for (const byte of value) if (byte === 0x7f || (byte < 0x20 && byte !== 0x09)) return false;
  return true;
}

/** Reports whether bytes are a field value: text that neither starts nor ends with a space. */
function isValue(value: Uint8Array): boolean {
  if (!isText(value)) return false;
  return value[0] !== 0x20 && value[0] !== 0x09 && value.at(-1) !== 0x20 && value.at(-1) !== 0x09;
}

/** Reports whether bytes are the value of `Content-Length` (RFC 9110 § 8.6): digits. */
function isLength(value: Uint8Array): boolean {
  return value.length > 0 && value.every((byte) => byte >= 0x30 && byte <= 0x39);
}

/** Differences of `fields` between versions of WASI. */
interface FieldsVersion {
  readonly isValue: (value: Uint8Array) => boolean;
  /** The error of a list that is too long. */
  readonly tooLong: string;
}

/** 0.2 has no case for a list that is too long. */
const version02: FieldsVersion = { isValue, tooLong: "invalid-syntax" };
const version03: FieldsVersion = { isValue: isText, tooLong: "size-exceeded" };

function fieldsFunctions({ isValue, tooLong }: FieldsVersion): P2Interface["functions"] {
  const check = (name: string, values: readonly Uint8Array[]): string | undefined => {
    if (!namePattern.test(name) || !values.every(isValue)) return "invalid-syntax";
    if (name.toLowerCase() === "content-length" && !values.every(isLength)) {
      return "invalid-syntax";
    }
    return isForbidden(name) ? "forbidden" : undefined;
  };
  const changed = (
    fields: Fields,
    { name, values }: { name: string; values: readonly Uint8Array[] },
    change: () => Value | false,
  ) => {
    if (!fields.isMutable) return err({ tag: "immutable" });
    const refused = check(name, values);
    if (refused !== undefined) return err({ tag: refused });
    const result = change();
    return result === false ? err({ tag: tooLong }) : ok(result);
  };
  return {
    "[constructor]fields": () => new Fields(),
    // from-list: static func(entries: list<tuple<field-name, field-value>>) -> result<fields, …>
    "[static]fields.from-list": (entries: readonly [string, Uint8Array][]) => {
      const fields = new Fields();
      for (const [name, value] of entries) {
        const refused = check(name, [value]);
        if (refused !== undefined) return err({ tag: refused });
        if (!fields.append(name, value)) return err({ tag: tooLong });
      }
      return ok(fields);
    },
    // get: func(name: field-name) -> list<field-value>
    "[method]fields.get": (self: Fields, name: string) => self.get(name),
    // has: func(name: field-name) -> bool
    "[method]fields.has": (self: Fields, name: string) => self.get(name).length > 0,
    // set: func(name: field-name, value: list<field-value>) -> result<_, header-error>
    "[method]fields.set": (self: Fields, name: string, values: readonly Uint8Array[]) =>
      changed(self, { name, values }, () => {
        self.delete(name);
        return values.every((value) => self.append(name, value)) ? undefined : false;
      }),
    // delete: func(name: field-name) -> result<_, header-error>
    "[method]fields.delete": (self: Fields, name: string) =>
      changed(self, { name, values: [] }, () => {
        self.delete(name);
        return undefined;
      }),
    // get-and-delete: func(name: field-name) -> result<list<field-value>, header-error>
    "[method]fields.get-and-delete": (self: Fields, name: string) =>
      changed(self, { name, values: [] }, () => {
        const values = self.get(name);
        self.delete(name);
        return values;
      }),
    // append: func(name: field-name, value: field-value) -> result<_, header-error>
    "[method]fields.append": (self: Fields, name: string, value: Uint8Array) =>
      changed(
        self,
        { name, values: [value] },
        () => self.append(name, value) ? undefined : false,
      ),
    // entries: func() -> list<tuple<field-name, field-value>>
    "[method]fields.entries": (self: Fields) => self.entries,
    // copy-all: func() -> list<tuple<field-name, field-value>>
    "[method]fields.copy-all": (self: Fields) => self.entries,
    // clone: func() -> fields
    "[method]fields.clone": (self: Fields) => new Fields(self.entries.slice()),
  };
}

/** The functions of `fields` in `wasi:http/types` of 0.2. */
export const fieldsFunctions02 = fieldsFunctions(version02);

/** The functions of `fields` in `wasi:http/types` of 0.3. */
export const fieldsFunctions03 = fieldsFunctions(version03);
