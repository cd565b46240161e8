import type { OpenFile } from "../../../src/registry/download/shared_file.ts";

/** Files in memory that count who reads them. */
export class MemoryDisk {
  readonly contents = new Map<string, Uint8Array<ArrayBuffer>>();
  /** How many files are open, and how often one was opened. */
  open = 0;
  opened = 0;
  /** How often a file was handed on as a stream of its own. */
  streamed = 0;
  readonly #bytesRead = new Map<string, number>();
  /** Called before each read, which waits for it and fails as it does. */
  beforeRead: () => Promise<void> | void = () => {};

  /** Puts a file of that many bytes, all different within 251, at a path. */
  put(path: string, size: number): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
    this.contents.set(path, bytes);
    return bytes;
  }

  /** How many bytes of the file were read piece by piece. */
  bytesRead(path: string): number {
    return this.#bytesRead.get(path) ?? 0;
  }

  /** For `SharedFilesOptions.open`. A read gives 7 bytes at most, as a read may. */
  readonly openFile = (path: string): Promise<OpenFile> => {
    const bytes = this.contents.get(path);
    if (!bytes) return Promise.reject(new Deno.errors.NotFound(path));
    let at = 0;
    let isOpen = true;
    this.open += 1;
    this.opened += 1;
    const close = () => {
      if (!isOpen) throw new Deno.errors.BadResource("closed twice");
      isOpen = false;
      this.open -= 1;
    };
    const read = async (buffer: Uint8Array) => {
      await this.beforeRead();
      if (!isOpen) throw new Deno.errors.BadResource("read after it was closed");
      const piece = bytes.subarray(at, at + Math.min(buffer.length, 7));
      buffer.set(piece);
      at += piece.length;
      this.#bytesRead.set(path, this.bytesRead(path) + piece.length);
      return piece.length === 0 ? null : piece.length;
    };
    const seek = (offset: number | bigint) => Promise.resolve(at = Number(offset));
    const stream = () => {
      this.streamed += 1;
      return new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          controller.enqueue(bytes.slice());
          controller.close();
          close();
        },
      });
    };
    return Promise.resolve({
      read,
      seek,
      close,
      get readable() {
        return stream();
      },
    });
  };
}
