import type { Value } from "../../component/abi/codec.ts";

/** The resource `wasi:io/error`. Other interfaces map its cause to their error codes. */
export class IoError {
  readonly message: string;
  readonly cause: unknown;

  constructor(message: string, cause?: unknown) {
    this.message = message;
    this.cause = cause;
  }
}

/** Thrown by a stream at its end: it is closed, or failed with an error. */
export class StreamEnd {
  readonly error: IoError | undefined;

  constructor(error?: IoError) {
    this.error = error;
  }

  /** Returns it as a `stream-error`. */
  get value(): Value {
    return this.error ? { tag: "last-operation-failed", value: this.error } : { tag: "closed" };
  }
}
