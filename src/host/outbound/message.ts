import type { Header } from "../../abi/headers.ts";

/** A request of a guest's `Http`. */
export interface OutboundRequest {
  url: string;
  /** Empty means GET, as in Go. */
  method: string;
  headers: readonly Header[];
  /** Must not change before the response arrives. */
  body: Uint8Array;
  /** Aborts the request; it fails with the signal's reason. */
  signal?: AbortSignal;
}

/** A complete response. */
export interface OutboundResponse {
  status: number;
  /** In the server's order and spelling. */
  headers: Header[];
  body: Uint8Array<ArrayBuffer>;
}
