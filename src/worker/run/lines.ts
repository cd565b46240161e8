/** A line that is longer is cut into several, so that one without an end holds no memory. */
const maxLineLength = 16 * 1024;

/** The lines of a stream of text, as they come; one that has no end yet is told when the stream ends. Never throws: a broken stream has ended. */
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
    // Whoever wrote is gone.
  }
  if (rest !== "") onLine(rest);
}
