/** A longer line is split, so that one without an end does not fill the memory. */
const maxLineLength = 16 * 1024;

/**
 * Calls `onLine` with each line of a stream, and at its end with an incomplete one. A broken stream
 * counts as ended; never rejects.
 */
export async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  try {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line.replace(/\r$/, ""));
      for (; rest.length > maxLineLength; rest = rest.slice(maxLineLength)) {
        onLine(rest.slice(0, maxLineLength));
      }
    }
  } catch {
    // The writer is gone.
  }
  if (rest !== "") onLine(rest);
}
