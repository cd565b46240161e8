import { decodeHeaders } from "../abi/headers.ts";
import { encodeText, readByteString } from "../base/byte_string.ts";
import { refuseInSandbox } from "./backing_service.ts";
import { type HostFamily, suspendingFunction } from "./host_function.ts";
import type { HttpClient } from "./outbound/http_client.ts";

/** Grants outbound HTTP requests. */
export interface HttpGrant {
  /** Returns the client that all instances share; it is created by the first request. */
  readonly client: () => Promise<HttpClient>;
  readonly sandbox: boolean;
}

/** Creates `hostHttp`: returns the response's body whatever its status. */
export function httpFunctions({ client, sandbox }: HttpGrant): HostFamily {
  return (guest) => ({
    suspending: {
      hostHttp: suspendingFunction(guest, async (inputs) => {
        const { signal } = guest; // read before the first await: later it may be another call's
        const url = inputs.text(0, "url");
        refuseInSandbox(sandbox, `calling ${url}`);
        const method = inputs.text(1, "method");
        const list = inputs.view(2, "headers");
        const headers = decodeHeaders(readByteString(list, 0, list.length));
        const body = decodeBody(inputs.bytes(3, "body"));
        const { request } = await client();
        return await request({ url, method, headers, body, signal });
      }, ({ body }) => body),
    },
  });
}

const emptyWord = encodeText("empty");

/** Decodes a body; the original library sends the word `empty` for an empty one. */
function decodeBody(bytes: Uint8Array): Uint8Array {
  const isEmpty = bytes.length === emptyWord.length &&
    emptyWord.every((byte, i) => bytes[i] === byte);
  return isEmpty ? bytes.subarray(0, 0) : bytes;
}
