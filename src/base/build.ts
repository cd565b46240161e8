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
