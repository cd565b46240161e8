/** A request whose body is streamed. Times are milliseconds, undefined for the defaults. */
export interface StreamedRequest {
  readonly url: string;
  readonly method: string;
  /** Values are byte strings. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body's chunks; undefined for none. */
  readonly body: AsyncIterable<Uint8Array<ArrayBuffer>> | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly firstByteTimeoutMs: number | undefined;
  readonly betweenBytesTimeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** A response whose body arrives while it is read. */
export interface StreamedResponse {
  readonly status: number;
  /** Values are byte strings. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: AsyncIterable<Uint8Array>;
  /** Returns the trailers, once the body has ended. */
  readonly trailers: () => readonly (readonly [name: string, value: string])[];
}
