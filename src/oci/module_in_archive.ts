import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf } from "../base/errors.ts";

/** Options of `moduleInArchive`. */
export interface ArchiveOptions {
  isGzip: boolean;
  /** The largest module; the whole archive may unpack to ten times this. */
  maxBytes: number;
  /** Receives the content of the first `.wasm` file. */
  take(content: AsyncIterable<Uint8Array>): Promise<void>;
}

/** An archive that is damaged or over a limit. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

/** The used part of `tar-stream`, which has no types of its own. */
interface TarStream {
  // In the compiled program a CommonJS package has this export alone.
  default: {
    extract(options: { allowUnknownFormat: boolean }): Writable & AsyncIterable<TarEntry>;
  };
}
interface TarEntry extends AsyncIterable<Uint8Array> {
  readonly header: { readonly name: string; readonly type: string; readonly size: number };
}

/** `tar-stream` keeps a long name or pax header in memory; real ones have a few kilobytes. */
const maxHeaderBytes = 1024 * 1024;

/**
 * Streams the `.wasm` file of a tar archive to `take`.
 *
 * @returns the number of `.wasm` files in the archive; reading stops at the second.
 * @throws ArchiveError; the errors of the stream and of `take`.
 */
export async function moduleInArchive(
  packed: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { isGzip, maxBytes, take }: ArchiveOptions,
): Promise<number> {
  const { default: { extract } }: TarStream = await import("tar-stream");
  let failure: { error: unknown } | undefined;
  const source = recordError(packed, (error) => failure ??= { error });
  const unpacked = isGzip
    ? ReadableStream.from(source).pipeThrough(new DecompressionStream("gzip"))
    : source;
  const limits = new ArchiveLimits(maxBytes);
  // The format of old archives (v7) has no name.
  const archive = extract({ allowUnknownFormat: true });
  // Its failure also ends the loop below.
  const feeding = pipeline(limits.input(unpacked), archive).catch(() => {});
  let found = 0;
  try {
    for await (const entry of archive) {
      const content = limits.content(entry);
      const { name, type, size } = entry.header;
      const isModule = name.endsWith(".wasm") && /^(?:contiguous-)?file$/.test(type);
      if (isModule) found += 1;
      if (found > 1) break;
      if (isModule) {
        if (size > maxBytes) throw new ArchiveError(`${name} is over ${maxBytes} bytes`);
        await take(content).catch((error: unknown) => {
          failure ??= { error };
          throw error;
        });
      }
      for await (const _ of content);
    }
  } catch (error) {
    if (failure) throw failure.error;
    throw archiveError(error);
  } finally {
    await feeding;
  }
  return found;
}

/** Counts the bytes of an archive: all of them, and those that yielded no entry and no content. */
class ArchiveLimits {
  readonly #maxBytes: number;
  #total = 0;
  #unyielded = 0;

  constructor(maxModuleBytes: number) {
    this.#maxBytes = 10 * maxModuleBytes;
  }

  async *input(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of stream) {
      if (this.#unyielded > maxHeaderBytes) {
        throw new ArchiveError(`a header is over ${maxHeaderBytes} bytes`);
      }
      this.#total += piece.length;
      this.#unyielded += piece.length;
      if (this.#total > this.#maxBytes) {
        throw new ArchiveError(`the archive unpacks to over ${this.#maxBytes} bytes`);
      }
      yield piece;
    }
  }

  async *content(entry: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#unyielded = 0;
    try {
      for await (const piece of entry) {
        this.#unyielded = 0;
        yield piece;
      }
    } catch (error) {
      throw archiveError(error);
    }
  }
}

function archiveError(error: unknown): ArchiveError {
  return error instanceof ArchiveError
    ? error
    : new ArchiveError(messageOf(error), { cause: error });
}

async function* recordError<T>(
  stream: AsyncIterable<T>,
  onError: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* stream;
  } catch (error) {
    onError(error);
    throw error;
  }
}
