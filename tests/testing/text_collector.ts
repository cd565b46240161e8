/** Reads a stream of text to its end and keeps it, so that a test can wait for what is written. */
export class TextCollector {
  #text = "";
  #ended = false;
  #changed = Promise.withResolvers<void>();
  /** Resolves when the stream has ended. */
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.done = this.#read(stream);
  }

  /** All that has come so far. */
  get text(): string {
    return this.#text;
  }

  /** The whole lines that have come so far. */
  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  /** The first line, past or to come, of which the condition holds; `undefined` when the stream ends without one. */
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
