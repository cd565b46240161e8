import type { Sender } from "../clients/sender.ts";
import { byteText, equalsWord } from "../http1/characters.ts";
import type { RequestHead } from "../http1/request_head.ts";

/** What must come to the same upstream again: the value of that header (in lower case), otherwise the client's address. */
export function hashKey(
  { bytes, fields }: RequestHead,
  sender: Sender,
  header: string | undefined,
): string {
  const wanted = header ?? (sender.trusted ? "x-forwarded-for" : undefined);
  if (wanted === undefined) return sender.address;
  const field = fields.findLast(({ start, nameEnd }) => equalsWord(bytes, start, nameEnd, wanted));
  const value = field && byteText(bytes, field.valueStart, field.valueEnd);
  if (!value) return sender.address;
  // Of a list of addresses the last one is what the trusted proxy saw.
  return header === undefined ? value.slice(value.lastIndexOf(",") + 1).trim() : value;
}
