import { writeFileAtomically } from "../base/atomic_file.ts";
import { type CarriedAddon, compiledBuild, dataStart, trailerBytes } from "../base/build.ts";
import { CapsuleError, messageOf } from "../base/errors.ts";

/** The variable that replaces the native code of the client's npm package. */
const override = "CN_PREBUILD_PATH_OVERRIDE";

/**
 * Loads a module that imports the Couchbase client. The compiled program first unpacks the native
 * code to a file, since systems load code only from files.
 *
 * @param cacheFolder keeps the file for later starts; if it is undefined or not writable, the file
 * is unpacked to a temporary folder.
 * @throws CapsuleError `QUERY` if no folder is writable or the code does not load, for example
 * without zlib or `/dev/urandom`.
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
  // Only the client may see it: all threads, guests and child processes share the environment.
  process.env = { ...env, [override]: addon.path };
  try {
    return await loaded(load);
  } finally {
    process.env = env;
  }
}

/** Loads the module. Without `/dev/urandom` the native code would abort the process. */
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

/** Reads the packed code from the program: one of its files, or the bytes before its data. */
function carried({ packedBytes }: CarriedAddon): Uint8Array {
  try {
    return Deno.readFileSync(new URL("./couchbase.node.zst", import.meta.url));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // On Linux this is the running program even if its file was replaced or removed.
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

/** A file with native code; it may be disposed of once the code is loaded. */
export interface UnpackedAddon extends Disposable {
  readonly path: string;
}

/** Options of `unpackAddon`. */
export interface UnpackOptions {
  /** The expected SHA-256 of the bytes: 64 hexadecimal digits. */
  readonly sha256: string;
  readonly cacheFolder: string | undefined;
  /** Called if the cache has no valid file. */
  unpack(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Returns the unpacked code as a file: the cached one if its digest matches, otherwise a new one.
 * It is written by atomic rename, so that processes can start concurrently. A folder that other
 * users may write to is not used as a cache: the file could be replaced after it was verified.
 *
 * @throws CapsuleError `QUERY` if neither the cache nor the temporary folder is writable.
 */
export async function unpackAddon(
  { sha256, cacheFolder, unpack }: UnpackOptions,
): Promise<UnpackedAddon> {
  const name = `couchbase-${sha256}.node`;
  if (cacheFolder !== undefined) {
    const path = `${cacheFolder}/${name}`;
    try {
      if (await isOwnFolder(cacheFolder) && await digestOf(path) === sha256) {
        return { path, [Symbol.dispose]() {} };
      }
    } catch {
      // Missing or unreadable.
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
    try {
      await Deno.mkdir(cacheFolder, { recursive: true, mode: 0o700 });
      if (await isOwnFolder(cacheFolder)) {
        await writeFileAtomically(path, bytes, { mode: 0o500 });
        return { path, [Symbol.dispose]() {} };
      }
    } catch {
      // The disk is full, or the folder cannot be written.
    }
  }
  return await unpackToTemporary(name, bytes);
}

/** Unpacks to a new temporary folder, removed on disposal: loaded code stays in memory. */
async function unpackToTemporary(name: string, bytes: Uint8Array): Promise<UnpackedAddon> {
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

/** Removes the folder. On Windows a loaded file cannot be removed and stays. */
function removeFolder(folder: string | undefined): void {
  try {
    if (folder !== undefined) Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
  }
}

/**
 * Reports whether the folder belongs to this user and only this user may write to it. On Windows
 * the user's profile protects it.
 */
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
