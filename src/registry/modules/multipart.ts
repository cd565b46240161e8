import { ByteBuffer } from "../../base/byte_buffer.ts";
import { HttpError } from "../../server/http_error.ts";

/** What a form says of one of its parts. */
export interface Part {
  name: string;
  /** As the client calls the file; `undefined` for a text. */
  filename: string | undefined;
}

/** Takes a part's bytes, in pieces that are not to be kept: their room is used again. */
export type TakePiece = (piece: Uint8Array) => Promise<void> | void;

const maxHeaderBytes = 16 * 1024;
const maxParts = 100;
const encoder = new TextEncoder();
const lineEnd = encoder.encode("\r\n");
const emptyLine = encoder.encode("\r\n\r\n");

/**
 * The boundary in a `Content-Type`, or `undefined` when it is no form's.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
 */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType.trim())) return undefined;
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ??
    [];
  return quoted ?? bare;
}

/**
 * Reads a form part by part, however its bytes are cut into pieces, and keeps no more of it than a part's headers.
 *
 * The bytes: `--boundary`, headers, an empty line, content, and again, up to `--boundary--`; the line break before a boundary belongs to the boundary.
 *
 * @throws HttpError 400 `BAD_FORM` when it is none, or ends early.
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export async function readMultipart(
  stream: AsyncIterable<Uint8Array>,
  boundary: string,
  begin: (part: Part) => TakePiece,
): Promise<void> {
  const delimiter = encoder.encode(`\r\n--${boundary}`);
  let state: "preamble" | "content" | "boundary" | "headers" | "end" = "preamble";
  let take: TakePiece = () => {};
  let parts = 0;
  // The first boundary may stand at the very beginning, without the line break before it.
  const buffer = new ByteBuffer();
  buffer.append(lineEnd);
  for await (const chunk of stream) {
    // What follows the end is nobody's, and is read so that the client gets its answer.
    if (state === "end") continue;
    buffer.append(chunk);
    let bytes: Uint8Array = buffer.bytes;
    for (let waits = false; !waits;) {
      switch (state) {
        case "preamble":
        case "content": {
          const end = find(bytes, delimiter);
          // A boundary may have begun in the last bytes.
          const sure = end < 0 ? Math.max(0, bytes.length - delimiter.length + 1) : end;
          if (state === "content" && sure > 0) await take(bytes.subarray(0, sure));
          bytes = bytes.subarray(end < 0 ? sure : sure + delimiter.length);
          if (end < 0) waits = true;
          else state = "boundary";
          break;
        }
        case "boundary": {
          const end = find(bytes, lineEnd);
          if (bytes.length >= 2 && bytes[0] === 0x2d && bytes[1] === 0x2d) state = "end";
          else if (end < 0) waits = true;
          else if (!/^[ \t]*$/.test(text(bytes.subarray(0, end)))) {
            throw badForm("a boundary is followed by text");
          } else {
            parts += 1;
            if (parts > maxParts) throw badForm(`it has over ${maxParts} parts`);
            // The line break stays, so that a part without headers ends like any other.
            bytes = bytes.subarray(end);
            state = "headers";
          }
          if (bytes.length > maxHeaderBytes && waits) throw badForm("a boundary does not end");
          break;
        }
        case "headers": {
          const end = find(bytes, emptyLine);
          if (end > maxHeaderBytes || (end < 0 && bytes.length > maxHeaderBytes)) {
            throw badForm(`the headers of a part have over ${maxHeaderBytes} bytes`);
          }
          if (end < 0) waits = true;
          else {
            take = begin(readPart(text(bytes.subarray(0, end))));
            // A boundary right behind the headers is an empty part's: the line break that ends them is also its own.
            bytes = bytes.subarray(end + lineEnd.length);
            take = withoutFirst(take, lineEnd.length);
            state = "content";
          }
          break;
        }
        case "end":
          waits = true;
          break;
      }
    }
    buffer.dropFirst(buffer.length - bytes.length);
  }
  if (state !== "end") throw badForm("it ends early");
}

function readPart(headers: string): Part {
  const disposition = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/im.exec(headers)?.[1];
  if (disposition === undefined) throw badForm("a part has no Content-Disposition");
  const parameter = (name: string) => {
    const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]+))`, "i").exec(
      disposition,
    );
    return found && (found[1]?.replace(/\\(["\\])/g, "$1").replaceAll("%22", '"') ?? found[2]);
  };
  const name = parameter("name");
  if (name === undefined || name === null) throw badForm("a part has no name");
  return { name, filename: parameter("filename") ?? undefined };
}

/** A taker that never sees the first bytes, which were put there for the search of the boundary. */
function withoutFirst(take: TakePiece, count: number): TakePiece {
  let left = count;
  return (piece) => {
    const skipped = Math.min(left, piece.length);
    left -= skipped;
    if (piece.length > skipped) return take(piece.subarray(skipped));
  };
}

function find(bytes: Uint8Array, wanted: Uint8Array): number {
  const first = wanted[0] ?? 0;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + wanted.length > bytes.length) return -1;
    let same = 1;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same += 1;
    if (same === wanted.length) return at;
  }
  return -1;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function badForm(why: string): HttpError {
  return new HttpError(400, "BAD_FORM", `the form cannot be read: ${why}`);
}
