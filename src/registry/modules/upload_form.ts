import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import busboy from "busboy";
import { HttpError } from "../../server/http_error.ts";
import { bodyPieces } from "../body_pieces.ts";
import type { BlobWriter } from "../store/blob_writer.ts";

/** Options of `readUploadForm`. */
export interface UploadFormOptions {
  /** Receives the file. */
  writer: Pick<BlobWriter, "write">;
  /** The largest file. */
  maxBytes: number;
}

/** The fields of a form beside the file's bytes. */
export interface UploadForm {
  /** The file's name on the client: for the response, never a path. */
  filename: string;
  info: string;
}

/** The largest description of a module, in bytes. */
const maxInfoBytes = 64 * 1024;

/**
 * Bounds what a form can make the parser keep, with its own 16 KiB for the headers of a part.
 * Fields under other names are ignored.
 */
const limits = { fieldSize: maxInfoBytes, parts: 100 };

/** The used part of `busboy`, which has no types of its own. */
interface FormEvents {
  on(
    event: "file",
    listener: (name: string, content: Readable, info: { filename?: string }) => void,
  ): void;
  on(
    event: "field",
    listener: (name: string, value: string, info: { valueTruncated: boolean }) => void,
  ): void;
  on(event: "partsLimit", listener: () => void): void;
}
type FormParser = FormEvents & Writable;
const createParser: (
  options: { headers: Record<string, string>; limits: typeof limits; defParamCharset: string },
) => FormParser = busboy;

/**
 * Streams a `multipart/form-data` body: `file` to the writer, `info` into memory.
 *
 * @throws HttpError 400 `BAD_FORM`, 413 `MODULE_TOO_LARGE` or `INFO_TOO_LARGE`, 507 `DISK_FULL`;
 * the writer then holds a part, and the rest of the body is unread.
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export async function readUploadForm(
  request: Request,
  { writer, maxBytes }: UploadFormOptions,
): Promise<UploadForm> {
  const parser = parserFor(request);
  let filename: string | undefined;
  let info: string | undefined;
  let file: Readable | undefined;
  let writing: Promise<void> | undefined;
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    parser.destroy(asError(error));
  };

  parser.on("file", (name, content, info) => {
    // Without a listener an error of the parser would end the process.
    content.on("error", () => {});
    if (name !== "file") return void content.resume();
    if (filename !== undefined) return fail(badForm('the form has two files called "file"'));
    filename = info.filename || "module";
    file = content;
    writing = receive(content, { writer, maxBytes, fail });
  });
  parser.on("field", (name, value, { valueTruncated }) => {
    if (name === "file") {
      return fail(badForm('"file" is a text: send the module as a file (curl -F file=@hola.wasm)'));
    }
    if (name !== "info") return;
    if (info !== undefined) return fail(badForm('the form has two fields called "info"'));
    if (valueTruncated) {
      fail(tooLarge("INFO_TOO_LARGE", `"info" has at most ${maxInfoBytes} bytes`));
    }
    info = value.replace(/\r?\n$/, "");
  });
  parser.on("partsLimit", () => fail(badForm(`it has over ${limits.parts} parts`)));

  try {
    await pipeline(bodyPieces(request), parser);
  } catch (error) {
    // The parser leaves it open when the body breaks off.
    file?.destroy();
    if (failure !== undefined) throw failure;
    throw error instanceof HttpError ? error : badForm(asError(error).message, error);
  } finally {
    // A write to the file must have ended before the caller removes it.
    await writing;
  }
  if (filename === undefined) throw badForm('the form has no file called "file"');
  return { filename, info: info ?? "" };
}

function parserFor(request: Request): FormParser {
  const type = request.headers.get("content-type") ?? "";
  try {
    // The parser also reads url-encoded forms, which have no files.
    if (!/^multipart\/form-data\b/i.test(type) || request.body === null) throw new TypeError(type);
    return createParser({ headers: { "content-type": type }, limits, defParamCharset: "utf8" });
  } catch (error) {
    throw badForm(
      'an upload is a form (multipart/form-data with a boundary) that has "file" and "info"',
      error,
    );
  }
}

async function receive(
  content: AsyncIterable<Uint8Array>,
  { writer, maxBytes, fail }: UploadFormOptions & { fail: (error: unknown) => void },
): Promise<void> {
  let size = 0;
  const write = async (piece: Uint8Array) => {
    size += piece.length;
    if (size > maxBytes) {
      throw tooLarge("MODULE_TOO_LARGE", `a module has at most ${maxBytes} bytes (-maxUpload)`);
    }
    await writer.write(piece);
  };
  try {
    for await (const piece of content) {
      const failure = await write(piece).catch(asError);
      if (failure) return fail(failure);
    }
  } catch {
    // The parser reports why the content ended early.
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function badForm(message: string, cause?: unknown): HttpError {
  return new HttpError(400, "BAD_FORM", message, { cause });
}

function tooLarge(code: string, message: string): HttpError {
  return new HttpError(413, code, message);
}
