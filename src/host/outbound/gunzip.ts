import { gunzip } from "node:zlib";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { OutboundResponse } from "./message.ts";

/**
 * Decompresses a response that the client itself requested with `Accept-Encoding: gzip`, and
 * removes `Content-Encoding` and `Content-Length`, as Go's client does.
 *
 * @throws CapsuleError `TOO_LARGE` as soon as the body exceeds `maxBytes`; `HTTP` if the body is
 * not gzip.
 */
export async function decompressResponse(
  { status, headers, body }: OutboundResponse,
  maxBytes: number,
): Promise<OutboundResponse> {
  return {
    status,
    headers: headers.filter(([name]) =>
      !["content-encoding", "content-length"].includes(name.toLowerCase())
    ),
    body: body.length === 0 ? body : await inflate(body, maxBytes),
  };
}

function inflate(body: Uint8Array, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    // Not `DecompressionStream`, which refuses a gzip file of several members (RFC 1952 § 2.2).
    gunzip(body, { maxOutputLength: maxBytes }, (error, inflated) => {
      if (!error) return resolve(new Uint8Array(inflated));
      const tooLarge = Reflect.get(error, "code") === "ERR_BUFFER_TOO_LARGE";
      reject(
        tooLarge
          ? new CapsuleError(
            "TOO_LARGE",
            `the response has more than ${maxBytes} bytes (-maxResponse)`,
          )
          : new CapsuleError(
            "HTTP",
            `the response is not gzip, as its Content-Encoding says: ${messageOf(error)}`,
            {
              cause: error,
            },
          ),
      );
    });
  });
}
