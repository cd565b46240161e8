import { encodeByteString } from "../base/byte_string.ts";
import { httpDate, statusLine } from "./status_line.ts";

/** A response of this server itself. */
export interface LocalResponse {
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: Uint8Array;
}

/** Makes a JSON response `{"code","message",…}`, the form of every failure. */
export function jsonFailure(
  status: number,
  code: string,
  message: string,
  more: Record<string, string | undefined> = {},
): LocalResponse {
  return {
    status,
    headers: [["content-type", "application/json"]],
    body: new TextEncoder().encode(JSON.stringify({ code, message, ...more })),
  };
}

/** Encodes a response; for a `HEAD`, without the body and with its length. */
export function encodeResponse(
  { status, headers, body }: LocalResponse,
  { method, connection }: { method: string; connection: "close" | "keep-alive" | undefined },
): Uint8Array {
  const lines = [
    statusLine(status),
    `date: ${httpDate()}`,
    ...headers.filter(([name]) => name !== "content-length" && name !== "connection").map((
      [name, value],
    ) => `${name}: ${value}`),
    `content-length: ${body.length}`,
    ...(connection ? [`connection: ${connection}`] : []),
  ];
  const head = encodeByteString(lines.join("\r\n") + "\r\n\r\n");
  if (method === "HEAD") return head;
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}
