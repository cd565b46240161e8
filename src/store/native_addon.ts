import { type CarriedAddon, compiledBuild, dataStart, trailerBytes } from "../base/build.ts";
import { CapsuleError, messageOf } from "../base/errors.ts";

/** Names the client's native code, when set, in place of the one in its npm package. */
const override = "CN_PREBUILD_PATH_OVERRIDE";

/**
 * Loads a module that imports the Couchbase client. In the compiled program its native code, which a system loads from a file only, is
 * unpacked first.
 *
 * @param cacheFolder is where it is kept for the next start; without one, or where that cannot be written, it is unpacked anew.
 * @throws CapsuleError `QUERY` when no folder can be written, or the code does not load, as where its system has no zlib or `/dev/urandom`.
 */
export async function withNativeAddon<Loaded>(
  cacheFolder: string | undefined,
  load: () => Promise<Loaded>,
): Promise<Loaded> {
  const build = compiledBuild();
  const { default: process } = await import("node:process");
  const { env } = process;
  if (!build || env[override]) return await loaded(load);
  using addon = await unpackAddon({
    sha256: build.couchbase.sha256,
    cacheFolder,
    unpack: async () => {
      const { zstdDecompressSync } = await import("node:zlib");
      return new Uint8Array(zstdDecompressSync(carried(build.couchbase)));
    },
  });
  // The client alone is to see it: the environment itself is one for all threads, for guests and for processes of ours.
  process.env = { ...env, [override]: addon.path };
  try {
    return await loaded(load);
  } finally {
    process.env = env;
  }
}

/** Native code wants things of its system: that one is missing is no bug, and must not end the process, as without random numbers. */
async function loaded<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
  try {
    if (Deno.build.os !== "windows") await Deno.stat("/dev/urandom");
    return await load();
  } catch (error) {
    throw new CapsuleError(
      "QUERY",
      `this system cannot load the Couchbase client: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** What this very program carries: as one of its files, or before its data. */
function carried({ packedBytes }: CarriedAddon): Uint8Array {
  try {
    return Deno.readFileSync(new URL("./couchbase.node.zst", import.meta.url));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // On Linux this very program is there even when its file was replaced or removed since.
  using program = Deno.openSync(Deno.build.os === "linux" ? "/proc/self/exe" : Deno.execPath());
  const { size } = program.statSync();
  const read = (start: number, length: number) => {
    const bytes = new Uint8Array(length);
    program.seekSync(start, Deno.SeekMode.Start);
    for (let at = 0; at < length;) at += program.readSync(bytes.subarray(at)) ?? length;
    return bytes;
  };
  const start = dataStart(read(size - trailerBytes, trailerBytes), size) ?? 0;
  if (start < packedBytes) {
    throw new CapsuleError("QUERY", "this program is damaged: it has lost its Couchbase client");
  }
  return read(start - packedBytes, packedBytes);
}

/** A file with native code. Once that is loaded, it may be disposed of. */
export interface UnpackedAddon extends Disposable {
  readonly path: string;
}

/** What is unpacked, and where. */
export interface Unpacking {
  /** What its bytes must hash to: 64 hexadecimal digits. */
  readonly sha256: string;
  readonly cacheFolder: string | undefined;
  /** Called only when the cache does not hold it. */
  unpack(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * The unpacked code as a file: the one in the cache if it has the digest, else a new one there. It is written aside and renamed, so that
 * processes that start together share the folder without knowing of each other. A folder in which somebody else may write is
 * no cache: what was checked there may be another file when it is loaded.
 *
 * @throws CapsuleError `QUERY` when neither the cache nor the system's folder for temporary files can be written.
 */
export async function unpackAddon(
  { sha256, cacheFolder, unpack }: Unpacking,
): Promise<UnpackedAddon> {
  const name = `couchbase-${sha256}.node`;
  if (cacheFolder !== undefined) {
    const path = `${cacheFolder}/${name}`;
    try {
      if (await isOwnFolder(cacheFolder) && await digestOf(path) === sha256) {
        return { path, [Symbol.dispose]() {} };
      }
    } catch {
      // Not there yet, or not to be read.
    }
  }
  const bytes = await unpack();
  const digest = await sha256Of(bytes);
  if (digest !== sha256) {
    throw new CapsuleError(
      "QUERY",
      `this program is damaged: its Couchbase client has the digest ${digest}, not ${sha256}`,
    );
  }
  if (cacheFolder !== undefined) {
    const path = `${cacheFolder}/${name}`;
    const aside = `${path}.${crypto.randomUUID()}.part`;
    try {
      await Deno.mkdir(cacheFolder, { recursive: true, mode: 0o700 });
      if (await isOwnFolder(cacheFolder)) {
        await Deno.writeFile(aside, bytes, { createNew: true, mode: 0o500 });
        await Deno.rename(aside, path);
        return { path, [Symbol.dispose]() {} };
      }
    } catch {
      await Deno.remove(aside).catch(() => {});
    }
  }
  return await unpackForOnce(name, bytes);
}

/** A file in a folder of this process alone, which disposing removes: the system keeps what it has loaded. */
async function unpackForOnce(name: string, bytes: Uint8Array): Promise<UnpackedAddon> {
  let folder: string | undefined;
  try {
    folder = await Deno.makeTempDir({ prefix: "capsule-" });
    const path = `${folder}/${name}`;
    await Deno.writeFile(path, bytes, { createNew: true, mode: 0o500 });
    return { path, [Symbol.dispose]: () => removeFolder(folder) };
  } catch (error) {
    removeFolder(folder);
    throw new CapsuleError(
      "QUERY",
      `the Couchbase client has to be unpacked, and no folder can be written (${
        messageOf(error)
      }): ` +
        "name one with TMPDIR or XDG_CACHE_HOME",
      { cause: error },
    );
  }
}

/** Windows removes nothing that is loaded; there the file stays. */
function removeFolder(folder: string | undefined): void {
  try {
    if (folder !== undefined) Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
  }
}

/** Whether the folder belongs to this process's user, and nobody else may write in it. Windows keeps users apart by their profiles. */
async function isOwnFolder(path: string): Promise<boolean> {
  const { isDirectory, uid, mode } = await Deno.lstat(path);
  if (Deno.build.os === "windows") return isDirectory;
  return isDirectory && uid === Deno.uid() && mode !== null && (mode & 0o022) === 0;
}

async function digestOf(path: string): Promise<string> {
  return await sha256Of(await Deno.readFile(path));
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
