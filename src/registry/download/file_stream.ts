/** Bytes of a file, from `start` up to and not including `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** The most that is read at a time, and kept for a client that reads slowly. */
const pieceBytes = 64 * 1024;

/**
 * Opens a file and returns a range of it as a stream, which closes the file when it ends, fails or
 * is cancelled.
 *
 * @param range.size the size of the whole file in bytes.
 * @throws Error if the file cannot be opened or has another size.
 */
export async function openFileStream(
  path: string,
  { size, start, end }: ByteRange & { size: number },
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await Deno.open(path);
  try {
    const found = await file.stat();
    if (found.size !== size) {
      throw new Error(`${path} is damaged: it has ${found.size} of ${size} bytes`);
    }
    if (end - start === size) return file.readable;
    await file.seek(start, Deno.SeekMode.Start);
    return streamOf(file, end - start);
  } catch (error) {
    file.close();
    throw error;
  }
}

function streamOf(file: Deno.FsFile, count: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = count;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(left, pieceBytes));
      try {
        const read = await file.read(buffer);
        if (read === null) throw new Error(`the file ends ${left} bytes early`);
        left -= read;
        controller.enqueue(buffer.subarray(0, read));
      } catch (error) {
        file.close();
        throw error;
      }
      if (left > 0) return;
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
