/** Collects a stream of text, so that a test can wait for a line. */
export class TextCollector {
  #text = "";
  #ended = false;
  #changed = Promise.withResolvers<void>();
  /** Resolves when the stream has ended. */
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.done = this.#read(stream);
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  /** The complete lines so far. */
  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  /**
   * Waits for the first line, past or future, that meets the condition; `undefined` if the stream
   * ends without one.
   */
  async line(holds: (line: string) => boolean): Promise<string | undefined> {
    let seen = 0;
    for (;;) {
      const ended = this.#ended;
      const changed = this.#changed.promise;
      const { lines } = this;
      const found = lines.slice(seen).find(holds);
      if (found !== undefined || ended) return found;
      seen = lines.length;
      await changed;
    }
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += part;
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
