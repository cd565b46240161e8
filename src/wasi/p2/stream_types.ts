/** A resource that a guest can wait for. */
export interface Pollable {
  isReady(): boolean;
  /**
   * Calls `listener` once when it is ready, never before this returns. Returns a function that
   * cancels it.
   */
  whenReady(listener: () => void): () => void;
}

/** The resource `input-stream`. */
export interface InputStream extends Pollable {
  /**
   * Returns up to `length` bytes that have arrived; none if the guest has to wait. They are valid
   * until the stream is used again, or the caller waits.
   *
   * @throws StreamEnd
   */
  read(length: number): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** The resource `output-stream`. */
export interface OutputStream extends Pollable {
  /**
   * Returns the number of bytes that `write` takes now; 0 if the guest has to wait.
   * @throws StreamEnd
   */
  checkWrite(): number;
  /** Takes bytes, which may be copied or used only until it returns. @throws StreamEnd */
  write(bytes: Uint8Array): void;
  /** Begins to flush; the stream is ready again when it is done. @throws StreamEnd */
  flush(): void;
  close(): void;
}
