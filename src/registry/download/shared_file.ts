import { messageOf } from "../../base/errors.ts";

/** Bytes of a file, the end not included. */
export interface Part {
  start: number;
  end: number;
}

/** What is used of an open file. */
export type OpenFile = Pick<Deno.FsFile, "read" | "seek" | "close" | "readable">;

/** Which file is shared, and how. */
export interface SharedFileOptions {
  path: string;
  /** In bytes; a file that has fewer fails. */
  size: number;
  /** How many bytes are read at once and kept together. */
  pieceBytes: number;
  open: (path: string) => Promise<OpenFile>;
  /** Called when the file cannot be read: this object is then of no use any more, and is to forget what it has. */
  onFailure: () => void;
}

type Piece = Uint8Array<ArrayBuffer>;

/**
 * A file that any number of downloads read together: a piece is read when the first of them needs it, and kept for the others, who
 * send the very same bytes. The file is open only while somebody is there and a piece is missing.
 */
export class SharedFile {
  readonly #options: SharedFileOptions;
  /** Those that are there, and those that are being read. */
  readonly #pieces: (Piece | Promise<Piece> | undefined)[] = [];
  #missing: number;
  #file: OpenFile | undefined;
  /** Where the open file stands. */
  #position = 0;
  /** One read at a time, for they share that position; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #users = 0;
  /** When a download last ended, as `Date.now()` has it. */
  usedAt = 0;

  constructor(options: SharedFileOptions) {
    this.#options = options;
    // An empty file is one piece without bytes.
    this.#missing = Math.max(1, Math.ceil(options.size / options.pieceBytes));
  }

  get size(): number {
    return this.#options.size;
  }

  /** Whether a download is under way. */
  get isInUse(): boolean {
    return this.#users > 0;
  }

  /**
   * A part as the body of an answer, which fails when the file does. The bytes belong to all downloads: they are handed on, never
   * changed, and once the stream has ended they may be gone (`forget`).
   *
   * @throws Error when the part's first piece cannot be read.
   */
  async stream({ start, end }: Part): Promise<ReadableStream<Piece>> {
    this.#users += 1;
    const { pieceBytes } = this.#options;
    let at = start;
    /** Up to the end of a piece. A copy for each client, even of a small file, would be one for each slow client. */
    const next = async () => {
      const piece = await this.#piece(Math.floor(at / pieceBytes));
      const from = at % pieceBytes;
      return piece.subarray(from, Math.min(piece.length, from + end - at));
    };
    // Before anything is promised to the client: a file that is not there is a 500. Nobody leaves a file that failed, for nobody
    // will use it again.
    await next();
    return new ReadableStream<Piece>({
      pull: async (controller) => {
        // Asked for more than there is, the server has taken over the last bytes.
        if (at === end) {
          controller.close();
          return await this.#leave();
        }
        const bytes = await next();
        at += bytes.length;
        controller.enqueue(bytes);
      },
      cancel: () => this.#leave(),
    }, { highWaterMark: 0 });
  }

  /**
   * Gives the memory back at once, of a file that is not in use or has failed: an idle process would not collect it for a long
   * time, and a busy one would hold twice as much. What the server still sends stays until it is sent.
   */
  forget(): void {
    for (const piece of this.#pieces) if (piece instanceof Uint8Array) piece.buffer.transfer(0);
    this.#pieces.length = 0;
  }

  /** Cuts the downloads that are under way and closes the file. */
  async stop(): Promise<void> {
    this.#fail(new Error("the registry stops"));
    await this.#turn;
  }

  /** Resolves when nothing is open any more for who leaves. */
  async #leave(): Promise<void> {
    this.#users -= 1;
    this.usedAt = Date.now();
    if (this.#users === 0) await this.#inTurn(() => this.#close());
  }

  #piece(index: number): Piece | Promise<Piece> {
    return this.#pieces[index] ??= this.#inTurn(() => this.#read(index));
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #read(index: number): Promise<Piece> {
    const { path, size, pieceBytes, open } = this.#options;
    try {
      if (this.#failure) throw this.#failure;
      this.#file ??= await open(path);
      const start = index * pieceBytes;
      if (this.#position !== start) {
        this.#position = await this.#file.seek(start, Deno.SeekMode.Start);
      }
      const piece = new Uint8Array(Math.min(pieceBytes, size - start));
      for (let filled = 0; filled < piece.length;) {
        const count = await this.#file.read(piece.subarray(filled));
        if (count === null) {
          throw new Error(`the file ends after ${start + filled} of ${size} bytes`);
        }
        filled += count;
        this.#position += count;
      }
      if (this.#failure) throw this.#failure;
      this.#pieces[index] = piece;
      this.#missing -= 1;
      if (this.#missing === 0) this.#close();
      return piece;
    } catch (error) {
      const failure = this.#failure ??
        new Error(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
      this.#fail(failure);
      throw failure;
    }
  }

  /** Nobody gets anything more, not even what was read: what is kept for downloads that go on would be in nobody's count. */
  #fail(error: Error): void {
    this.#failure = error;
    this.#options.onFailure();
    void this.#inTurn(() => this.#close());
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#position = 0;
  }
}
