/** What is looked for in an archive. */
export interface TarOptions {
  wanted(name: string): boolean;
  /** An archive that unpacks to more than ten times this is no module's. */
  maxBytes: number;
  write(piece: Uint8Array): Promise<void> | void;
}

const block = 512;

/**
 * Writes out the content of the first wanted file of a tar archive and says how many there are, reading on until it has seen two.
 *
 * A header is 512 bytes: the name in the first 100, the size as octal text at 124, the kind at 156 (`0` or nothing is a file), a prefix of the
 * name at 345; the content follows, filled up to whole blocks. Longer names come in entries of their own, which are skipped: their files keep the last
 * characters' shortened name, or are not found.
 *
 * @throws RangeError when it is no archive, or over the limit.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export async function tarEntry(
  stream: ReadableStream<Uint8Array>,
  options: TarOptions,
): Promise<number> {
  const { wanted, maxBytes, write } = options;
  let header = new Uint8Array(0);
  let content = 0;
  let padding = 0;
  let taking = false;
  let found = 0;
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > 10 * maxBytes) {
      throw new RangeError(`the archive unpacks to over ${10 * maxBytes} bytes`);
    }
    let rest: Uint8Array = chunk;
    while (rest.length > 0) {
      if (content > 0) {
        const piece = rest.subarray(0, content);
        if (taking) await write(piece);
        content -= piece.length;
        rest = rest.subarray(piece.length);
      } else if (padding > 0) {
        const skipped = Math.min(padding, rest.length);
        padding -= skipped;
        rest = rest.subarray(skipped);
      } else {
        const part = rest.subarray(0, block - header.length);
        rest = rest.subarray(part.length);
        const joined = new Uint8Array(header.length + part.length);
        joined.set(header);
        joined.set(part, header.length);
        header = joined;
        if (header.length < block) continue;
        const entry = readHeader(header);
        header = new Uint8Array(0);
        content = entry.size;
        padding = (block - entry.size % block) % block;
        taking = false;
        if (entry.isFile && wanted(entry.name)) {
          found += 1;
          if (found > 1) return found;
          if (entry.size > maxBytes) {
            throw new RangeError(`${entry.name} is over ${maxBytes} bytes`);
          }
          taking = true;
        }
      }
    }
  }
  return found;
}

function readHeader(header: Uint8Array): { name: string; size: number; isFile: boolean } {
  // Two empty blocks end an archive.
  if (header.every((byte) => byte === 0)) return { name: "", size: 0, isFile: false };
  const text = (at: number, length: number) => {
    const field = header.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const size = parseInt(text(124, 12).trim(), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError("this is no tar archive");
  const kind = header[156];
  const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
  const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  return { name, size, isFile: kind === 0 || kind === 0x30 };
}
