/** What `scripts/compile.ts` tells the compiled program about itself. */
export interface Build {
  /** The commit that it was made from; `-dirty` follows where files had changed since. */
  readonly commit: string;
  /** The native code of the Couchbase client that the program carries. */
  readonly couchbase: CarriedAddon;
}

/** Native code, which a program carries compressed with Zstandard. */
export interface CarriedAddon {
  /** How many bytes are carried. */
  readonly packedBytes: number;
  /** Of the code itself: 64 hexadecimal digits. */
  readonly sha256: string;
}

/** `undefined` when this runs from its sources. */
export function compiledBuild(): Build | undefined {
  if (!Deno.build.standalone) return undefined;
  return JSON.parse(Deno.readTextFileSync(new URL("./build.json", import.meta.url)));
}

/**
 * How a compiled program ends, where `deno compile` only appends to its base (on Linux): its data, then what says
 * so and how long they are. Whatever lies between the base and the data is never read by a start.
 *
 * ```text
 * … base … | data | 1e 50 00 00  hash of a name  length of the data and of these 16 bytes, in 8
 * ```
 */
export const trailerBytes = 16;
const magic = 0x501e;

/** Where the data begin in a program of `size` bytes that ends with `trailer`; `undefined` when it ends otherwise. */
export function dataStart(trailer: Uint8Array<ArrayBuffer>, size: number): number | undefined {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (view.byteLength !== trailerBytes || view.getUint32(0, true) !== magic) return undefined;
  const length = Number(view.getBigUint64(8, true));
  return length > trailerBytes && length <= size ? size - length : undefined;
}
