import { type Digest, reprDigest } from "../../source/digest.ts";
import { type ByteRange, openFileStream } from "./file_stream.ts";

/** A file whose bytes never change, and how it is served. */
export interface ServedFile {
  path: string;
  /** In bytes. */
  size: number;
  digest: Digest;
  contentType: string;
  /** Headers that replace or complement the usual ones. */
  headers?: Record<string, string>;
}

/**
 * Responds to a GET or HEAD with a file: the whole of it, a range (`Range`), or 304 when the client
 * has it already (`If-None-Match`).
 *
 * @throws Error if the file is missing or damaged.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export async function serveFile(request: Request, file: ServedFile): Promise<Response> {
  const { path, size, digest } = file;
  const etag = `"${digest}"`;
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    etag,
    "repr-digest": reprDigest(digest),
    "docker-content-digest": digest,
    // Compressed in transit, the body would not have the length that Content-Length states.
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
    ? parseRange(request.headers.get("range"), size)
    : undefined;
  if (range === "unsatisfiable") {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}` },
    });
  }
  const { start, end } = range ?? { start: 0, end: size };
  headers["content-length"] = String(end - start);
  if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${size}`;
  const status = range ? 206 : 200;
  const body = request.method === "HEAD" ? null : await openFileStream(path, { size, start, end });
  return new Response(body, { status, headers });
}

function matches(ifNoneMatch: string | null, etag: string): boolean {
  return ifNoneMatch !== null &&
    ifNoneMatch.split(",").some((each) => ["*", etag].includes(each.trim().replace(/^W\//, "")));
}

/** Parses a single range; `undefined` for several, which get the whole file. */
function parseRange(
  header: string | null,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : "unsatisfiable";
}
