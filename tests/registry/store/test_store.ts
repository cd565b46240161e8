import {
  RegistryStore,
  type RegistryStoreOptions,
} from "../../../src/registry/store/registry_store.ts";
import { memoryLog } from "../../server/memory_log.ts";
import { sha256, sha512 } from "../test_registry.ts";

/** Calls `work` with a temporary folder and a function that opens a store in it. */
export async function withStore(
  options: Partial<RegistryStoreOptions>,
  work: (world: {
    files: string;
    stderr: () => string;
    /** Opens the store while `use` runs. */
    open: <T>(
      use: (store: RegistryStore) => Promise<T>,
      more?: Partial<RegistryStoreOptions>,
    ) => Promise<T>;
  }) => Promise<void>,
): Promise<void> {
  const files = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const { log, stderr } = memoryLog();
  try {
    await work({
      files,
      stderr,
      async open(use, more) {
        await using store = await RegistryStore.open({ files, log, ...options, ...more });
        return await use(store);
      },
    });
  } finally {
    await Deno.remove(files, { recursive: true });
  }
}

export async function put(
  store: RegistryStore,
  tag: string,
  bytes: Uint8Array,
  more: { overwrite?: boolean; info?: string } = {},
) {
  const writer = await store.blobs.begin();
  await writer.write(bytes);
  return await store.putModule({ user: "k33g", module: "hola", tag }, writer, {
    info: "",
    overwrite: false,
    ...more,
  });
}

export async function putBlob(
  store: RegistryStore,
  bytes: Uint8Array,
  digest = sha256(bytes) as ReturnType<typeof sha256> | ReturnType<typeof sha512>,
) {
  const writer = await store.blobs.begin({ sha512: true });
  await writer.write(bytes);
  await store.blobs.put("k33g/hola", writer, digest);
}

export const key = (store: RegistryStore, tag: string) =>
  store.catalog.tagged("k33g/hola", tag)?.manifest.module?.digest;
