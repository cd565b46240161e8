import { decodeHeaders } from "../abi/headers.ts";
import { readByteString } from "../base/byte_string.ts";
import { refuseInSandbox } from "./backing_service.ts";
import { answeringLater, type HostFamily } from "./host_function.ts";
import type { HttpClient } from "./outbound/http_client.ts";

/** The client that a function's instances share; made when the first guest calls, so that others do not load it. */
export interface HttpGrant {
  readonly client: () => Promise<HttpClient>;
  readonly sandbox: boolean;
}

/** `hostHttp`: the body of the answer whatever its status, or why there is none. */
export function httpFunctions({ client, sandbox }: HttpGrant): HostFamily {
  return (guest) => ({
    waiting: {
      hostHttp: answeringLater(guest, async (inputs) => {
        const { signal } = guest; // before this waits: later the guest may be in another call
        const url = inputs.text(0);
        refuseInSandbox(sandbox, `calling ${url}`);
        const method = inputs.text(1);
        const list = inputs.bytes(2);
        const headers = decodeHeaders(readByteString(list, 0, list.length));
        const body = bodyOf(inputs.bytes(3));
        const { request } = await client();
        return await request({ url, method, headers, body, signal });
      }, ({ body }) => body),
    },
  });
}

const emptyWord = new TextEncoder().encode("empty");

/** The original library sends the word `empty` for an empty body. */
function bodyOf(bytes: Uint8Array): Uint8Array {
  const isWord = bytes.length === emptyWord.length &&
    emptyWord.every((byte, i) => bytes[i] === byte);
  return isWord ? bytes.subarray(0, 0) : bytes;
}
