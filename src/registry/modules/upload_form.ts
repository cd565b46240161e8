import { HttpError } from "../../server/http_error.ts";
import { bodyPieces } from "../body_pieces.ts";
import type { BlobWriter } from "../store/blob_writer.ts";
import { boundaryOf, readMultipart } from "./multipart.ts";

/** What a person writes about a module. */
const maxInfoBytes = 64 * 1024;

/** How a form is read. */
export interface FormOptions {
  /** Takes the file. */
  writer: BlobWriter;
  /** Of the file. */
  maxBytes: number;
}

/** What came beside the file's bytes. */
export interface UploadForm {
  /** As the client calls it: for the answer only, never a path. */
  filename: string;
  info: string;
}

/**
 * Streams a `multipart/form-data` body: `file` into the writer, `info` into memory, other fields nowhere.
 *
 * @throws HttpError 400 `BAD_FORM`, 413 `MODULE_TOO_LARGE`, 507 `DISK_FULL`; the writer then holds a part, and the body may not be read to its end.
 */
export async function readUploadForm(
  request: Request,
  { writer, maxBytes }: FormOptions,
): Promise<UploadForm> {
  const boundary = boundaryOf(request.headers.get("content-type") ?? "");
  if (boundary === undefined || request.body === null) {
    throw badForm(
      'an upload is a form (multipart/form-data with a boundary) that has "file" and "info"',
    );
  }
  let filename: string | undefined;
  let size = 0;
  let info: Uint8Array[] | undefined;
  let infoSize = 0;
  await readMultipart(bodyPieces(request), boundary, (part) => {
    if (part.name === "file") {
      if (part.filename === undefined) {
        throw badForm('"file" is a text: send the module as a file (curl -F file=@hola.wasm)');
      }
      if (filename !== undefined) throw badForm('the form has two files called "file"');
      filename = part.filename.split(/[/\\]/).pop() || "module";
      return async (piece) => {
        size += piece.length;
        if (size > maxBytes) {
          throw new HttpError(
            413,
            "MODULE_TOO_LARGE",
            `a module has at most ${maxBytes} bytes (-maxUpload)`,
          );
        }
        await writer.write(piece);
      };
    }
    if (part.name !== "info") return () => {};
    if (info !== undefined) throw badForm('the form has two fields called "info"');
    const kept: Uint8Array[] = info = [];
    return (piece) => {
      infoSize += piece.length;
      if (infoSize > maxInfoBytes) {
        throw new HttpError(413, "INFO_TOO_LARGE", `"info" has at most ${maxInfoBytes} bytes`);
      }
      kept.push(piece.slice());
    };
  });
  if (filename === undefined) throw badForm('the form has no file called "file"');
  const bytes = new Uint8Array(
    await new Blob((info ?? []).map((piece) => piece.slice())).arrayBuffer(),
  );
  return { filename, info: new TextDecoder().decode(bytes).replace(/\r?\n$/, "") };
}

function badForm(message: string): HttpError {
  return new HttpError(400, "BAD_FORM", message);
}
