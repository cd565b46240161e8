/** Facts about a compiled program, written by `scripts/compile.ts`. */
export interface Build {
  /** The commit that was compiled; with `-dirty` if files had changed since. */
  readonly commit: string;
  /** The native code of the Couchbase client. */
  readonly couchbase: CarriedAddon;
}

/** Native code that a program carries, compressed with Zstandard. */
export interface CarriedAddon {
  /** The compressed length in bytes. */
  readonly packedBytes: number;
  /** The digest of the uncompressed code, as 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Returns the facts of this program; `undefined` when it runs from sources. */
export function compiledBuild(): Build | undefined {
  if (!Deno.build.standalone) return undefined;
  return JSON.parse(Deno.readTextFileSync(new URL("./build.json", import.meta.url)));
}

/**
 * The length in bytes of the trailer that `deno compile` appends on Linux. No start reads what lies
 * between the base and the data.
 *
 * ```text
 * … base … | data | 1e 50 00 00  hash of a name (4 bytes)  length of data and trailer (8 bytes)
 * ```
 */
export const trailerBytes = 16;
const magic = 0x501e;

/**
 * Returns the offset of the data in a program of `size` bytes; `undefined` if its last bytes are
 * not a trailer.
 */
export function dataStart(trailer: Uint8Array<ArrayBuffer>, size: number): number | undefined {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (view.byteLength !== trailerBytes || view.getUint32(0, true) !== magic) return undefined;
  const length = Number(view.getBigUint64(8, true));
  return length > trailerBytes && length <= size ? size - length : undefined;
}
