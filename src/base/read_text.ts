import { ByteBuffer } from "./byte_buffer.ts";

/** More than any file that a person writes for it to read as a whole. */
const mostBytes = 16 * 1024 * 1024;

/**
 * The text of a file that a person names to be read as a whole, or of a pipe: settings, certificates, tokens. One that does
 * not end, as a device, is refused in place of filling the memory. What this program writes for itself has no such limit.
 *
 * @throws what the system says, or a TypeError when there are more than 16 MiB.
 */
export async function readText(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new ByteBuffer();
  const chunk = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await file.read(chunk);
    if (count === null) return new TextDecoder().decode(bytes.bytes);
    bytes.append(chunk.subarray(0, count));
    if (bytes.length > mostBytes) throw new TypeError("it has more than 16 MiB");
  }
}
