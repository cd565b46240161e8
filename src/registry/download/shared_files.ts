import type { Digest } from "../../source/digest.ts";
import { type OpenFile, type Part, SharedFile } from "./shared_file.ts";
import { streamPart } from "./stream_part.ts";

/** A file whose bytes never change, as its digest says. */
export interface FileOfDigest {
  path: string;
  size: number;
  digest: Digest;
}

/** How files are shared. */
export interface SharedFilesOptions {
  /** What all of them together may take; 64 MiB if not given. */
  maxBytes?: number;
  /** How many bytes are read at once and kept together. */
  pieceBytes?: number;
  /** Opens a file for reading; `Deno.open` if not given. */
  open?: (path: string) => Promise<OpenFile>;
}

/** Room for one large module, or for the small ones that everybody asks for, in a process that takes about as much without them. */
const defaultMaxBytes = 64 * 1024 * 1024;
/** From 64 to 512 KiB downloads were equally fast; this many are read in few enough turns, and little is read too much for a part. */
const defaultPieceBytes = 256 * 1024;

/**
 * Files that were lately downloaded, in memory, so that downloads of the same one share what is read. What finds no room, because it is
 * larger or because all that is held is being downloaded, is read from its file each time.
 */
export class SharedFiles implements AsyncDisposable {
  /** The one that was asked for longest ago comes first. */
  readonly #files = new Map<Digest, SharedFile>();
  readonly #options: Required<SharedFilesOptions>;
  /** The sizes of all that are held, whether or not they are read already. */
  #heldBytes = 0;

  constructor(
    { maxBytes = defaultMaxBytes, pieceBytes = defaultPieceBytes, open = openFile }:
      SharedFilesOptions = {},
  ) {
    this.#options = { maxBytes, pieceBytes, open };
  }

  /**
   * A part of a file as the body of an answer, which fails when the file turns out to be shorter than said.
   *
   * @throws Error when the file cannot be opened, or the first bytes of the part not be read.
   */
  async stream(file: FileOfDigest, part: Part): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const shared = this.#take(file);
    if (shared) return await shared.stream(part);
    return await streamPart(await this.#options.open(file.path), file, part);
  }

  /** Forgets files that nobody has asked for since that time. */
  dropIdle(since: number): void {
    for (const [digest, file] of this.#files) {
      if (!file.isInUse && file.usedAt < since) this.#drop(digest, file);
    }
  }

  /** Forgets all files; downloads that are under way are cut. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#files.values(), (file) => file.stop()));
  }

  #take({ digest, path, size }: FileOfDigest): SharedFile | undefined {
    const known = this.#files.get(digest);
    if (!known && !this.#makeRoom(size)) return undefined;
    const { pieceBytes, open } = this.#options;
    const onFailure = () => this.#drop(digest, file);
    const file = known ?? new SharedFile({ path, size, pieceBytes, open, onFailure });
    if (known) this.#files.delete(digest);
    else this.#heldBytes += size;
    this.#files.set(digest, file);
    return file;
  }

  /** Forgets what was asked for longest ago, as much as is needed; nothing when that would not be enough. */
  #makeRoom(bytes: number): boolean {
    const { maxBytes } = this.#options;
    if (this.#heldBytes + bytes <= maxBytes) return true;
    const going: [Digest, SharedFile][] = [];
    let left = this.#heldBytes;
    for (const [digest, file] of this.#files) {
      if (left + bytes <= maxBytes) break;
      if (file.isInUse) continue;
      going.push([digest, file]);
      left -= file.size;
    }
    if (left + bytes > maxBytes) return false;
    for (const [digest, file] of going) this.#drop(digest, file);
    return true;
  }

  #drop(digest: Digest, file: SharedFile): void {
    if (this.#files.get(digest) !== file) return;
    this.#files.delete(digest);
    this.#heldBytes -= file.size;
    file.forget();
  }
}

function openFile(path: string): Promise<Deno.FsFile> {
  return Deno.open(path);
}
