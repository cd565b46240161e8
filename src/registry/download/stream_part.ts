import type { OpenFile, Part } from "./shared_file.ts";

/** A part of an open file as a stream that closes it. The whole is copied to the connection by Deno itself. */
export async function streamPart(
  file: OpenFile,
  { size }: { size: number },
  { start, end }: Part,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (end - start === size) return file.readable;
  try {
    await file.seek(start, Deno.SeekMode.Start);
  } catch (error) {
    file.close();
    throw error;
  }
  return firstBytes(file, end - start);
}

function firstBytes(file: OpenFile, count: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = count;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(left, 64 * 1024));
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
