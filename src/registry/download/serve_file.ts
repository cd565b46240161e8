import { reprDigest } from "../../source/digest.ts";
import type { Part } from "./shared_file.ts";
import type { FileOfDigest, SharedFiles } from "./shared_files.ts";

/** A file to answer with. */
export interface ServedFile extends FileOfDigest {
  /** Through which its bytes are read. */
  shared: SharedFiles;
  contentType: string;
  headers?: Record<string, string>;
}

/**
 * Answers a GET or HEAD with a file whose digest is known: whole, a part of it (`Range`), or nothing when the client has it already
 * (`If-None-Match`).
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export async function serveFile(request: Request, file: ServedFile): Promise<Response> {
  const { size, digest } = file;
  const etag = `"${digest}"`;
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    etag,
    "repr-digest": reprDigest(digest),
    "docker-content-digest": digest,
    // Bytes that are compressed on the way have another length than the one that is said.
    "cache-control": "no-cache, no-transform",
    "x-content-type-options": "nosniff",
    ...file.headers,
  };
  if (matches(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  headers["content-type"] = file.contentType;

  const ifRange = request.headers.get("if-range");
  const range = ifRange === null || ifRange === etag
    ? readRange(request.headers.get("range"), size)
    : undefined;
  if (range === "unsatisfiable") {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}` },
    });
  }
  const part = range ?? { start: 0, end: size };
  const { start, end } = part;
  headers["content-length"] = String(end - start);
  if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${size}`;
  const status = range ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  return new Response(await file.shared.stream(file, part), { status, headers });
}

function matches(header: string | null, etag: string): boolean {
  return header !== null &&
    header.split(",").some((each) => ["*", etag].includes(each.trim().replace(/^W\//, "")));
}

/** One range of bytes. Several ranges are answered with the whole, as the standard allows. */
function readRange(
  header: string | null,
  size: number,
): Part | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : "unsatisfiable";
}
