import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { writeFileAtomically } from "../../src/base/atomic_file.ts";
import { mustRun, root } from "./run.ts";

/** The native code of `npm:couchbase` for a target, compressed with Zstandard. */
export interface PackedAddon {
  readonly packed: Uint8Array<ArrayBuffer>;
  /** The digest of the uncompressed code, as 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The fields of `deno.lock` that are read here. */
interface Lock {
  readonly npm?: Readonly<Record<string, { readonly integrity?: string }>>;
}

/**
 * Downloads the native code of a platform, such as `linux-x64`, and verifies the digest of its npm
 * package in `deno.lock`. For Linux it is the package for glibc, as Deno needs glibc, too.
 *
 * @throws Error if the package cannot be downloaded or has another digest.
 */
export async function packAddon(platform: string): Promise<PackedAddon> {
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`));
  const start = `@couchbase/couchbase-${platform}-napi@`;
  const [id, entry] = Object.entries(lock.npm ?? {}).find(([id]) => id.startsWith(start)) ?? [];
  if (!id || !entry?.integrity) throw new Error(`deno.lock has no ${start}…`);
  const addon = await unpackedAddon(id, entry.integrity);
  const sha256 = createHash("sha256").update(addon).digest("hex");
  return { packed: await compressed(addon, sha256), sha256 };
}

async function unpackedAddon(id: string, integrity: string): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-addon-" });
  try {
    const archive = `${folder}/${
      (await mustRun(["npm", "pack", "--silent", id], { cwd: folder })).trim()
    }`;
    const digest = createHash("sha512").update(await Deno.readFile(archive)).digest("base64");
    if (`sha512-${digest}` !== integrity) {
      throw new Error(`${id} has the digest sha512-${digest}, but deno.lock has ${integrity}`);
    }
    await mustRun(["tar", "xzf", archive], { cwd: folder });
    for await (const { name } of Deno.readDir(`${folder}/package`)) {
      if (name.endsWith(".node")) return await Deno.readFile(`${folder}/package/${name}`);
    }
    throw new Error(`${id} has no native code`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Compresses at the highest level, since the size of a program shows in each of its starts (bench:
 * `start`). The result is cached, as this is slow.
 */
async function compressed(addon: Uint8Array, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  const cached = `${root}dist/addons/${sha256}.zst`;
  try {
    return await Deno.readFile(cached);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const packed = new Uint8Array(zstdCompressSync(addon, {
    params: { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 25 },
  }));
  await Deno.mkdir(`${root}dist/addons`, { recursive: true });
  await writeFileAtomically(cached, packed);
  return packed;
}
