import { ByteBuffer } from "./byte_buffer.ts";

/** Most bytes that are read: far more than a settings file has. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Reads a file or a pipe that the user named: settings, certificates, tokens. The limit keeps one
 * without an end, such as a device, from filling the memory.
 *
 * @throws the file system's error, or a TypeError for more than 16 MiB.
 */
export async function readText(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new ByteBuffer();
  const chunk = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await file.read(chunk);
    if (count === null) return new TextDecoder().decode(bytes.bytes);
    bytes.append(chunk.subarray(0, count));
    if (bytes.length > maxBytes) throw new TypeError("it has more than 16 MiB");
  }
}
