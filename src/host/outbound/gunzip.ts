import { gunzip } from "node:zlib";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { HttpAnswer } from "./http_client.ts";

/**
 * An answer that the client had asked to be compressed, as if it never had been: as Go's client does, without `Content-Encoding` and `Content-Length`.
 *
 * @throws CapsuleError `TOO_LARGE` before more than `maxBytes` are made of it, `HTTP` when it is no gzip.
 */
export async function gunzipped(
  { status, headers, body }: HttpAnswer,
  maxBytes: number,
): Promise<HttpAnswer> {
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
    // Not `DecompressionStream`: it refuses a second member, which servers that compress piece by piece send.
    gunzip(body, { maxOutputLength: maxBytes }, (error, inflated) => {
      if (!error) return resolve(new Uint8Array(inflated));
      const tooLarge = Reflect.get(error, "code") === "ERR_BUFFER_TOO_LARGE";
      reject(
        tooLarge
          ? new CapsuleError(
            "TOO_LARGE",
            `the answer has more than ${maxBytes} bytes (-maxResponse)`,
          )
          : new CapsuleError("HTTP", `the answer says gzip and is not: ${messageOf(error)}`, {
            cause: error,
          }),
      );
    });
  });
}
