import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { mustRun, root } from "./run.ts";

/** The native code of `npm:couchbase` for one target, as a program carries it. */
export interface PackedAddon {
  /** Compressed with Zstandard. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Of the code itself: 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The parts of `deno.lock` that are read here. */
interface Lock {
  readonly npm?: Readonly<Record<string, { readonly integrity?: string }>>;
}

/**
 * The native code for a platform, from the npm package that `deno.lock` holds to its digest. Of a package for Linux only the one for
 * glibc is asked for, which is what Deno itself needs.
 *
 * @param platform is such as `linux-x64`.
 * @throws Error when the package cannot be had or is not the one of the lock file.
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
      throw new Error(`${id} has the digest sha512-${digest}, and deno.lock says ${integrity}`);
    }
    await mustRun(["tar", "xzf", archive], { cwd: folder });
    for await (const { name } of Deno.readDir(`${folder}/package`)) {
      if (name.endsWith(".node")) return await Deno.readFile(`${folder}/package/${name}`);
    }
    throw new Error(`${id} holds no native code`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Compresses as well as Zstandard can, which takes some 15 s, once: each megabyte in a program costs every start of it a millisecond. */
async function compressed(addon: Uint8Array, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  const kept = `${root}dist/addons/${sha256}.zst`;
  try {
    return await Deno.readFile(kept);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const packed = new Uint8Array(zstdCompressSync(addon, {
    params: { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 25 },
  }));
  await Deno.mkdir(`${root}dist/addons`, { recursive: true });
  await Deno.writeFile(`${kept}.part`, packed);
  await Deno.rename(`${kept}.part`, kept);
  return packed;
}
