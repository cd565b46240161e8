import { byteText } from "../../http1/characters.ts";
import type { Field } from "../../http1/fields.ts";
import { Fields, isForbidden } from "../../wasi/p2/fields.ts";

/**
 * Returns header or trailer lines as a guest sees them: immutable, without the fields that it must
 * not see.
 *
 * @param bytes the lines, of which the values are views.
 * @param start the position that the first of these bytes has in `lines`.
 */
export function toFields(lines: readonly Field[], bytes: Uint8Array, start = 0): Fields {
  const fields = new Fields();
  for (const line of lines) {
    const name = byteText(bytes, line.start - start, line.nameEnd - start).toLowerCase();
    if (isForbidden(name)) continue;
    fields.append(name, bytes.subarray(line.valueStart - start, line.valueEnd - start));
  }
  fields.isMutable = false;
  return fields;
}
