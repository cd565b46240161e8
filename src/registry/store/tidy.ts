import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { ListedModule, ModuleFacts } from "./catalog.ts";
import type { ModuleFolders } from "./module_folders.ts";
import type { ModuleName } from "../../oci/names.ts";
import type { Store } from "./store.ts";

/** What is put in order. */
export interface TidyOptions {
  store: Store;
  folders: ModuleFolders;
  log: Log;
}

/**
 * After the journal was read: what it says and what lies on the disk become the same. Files that no line speaks of were being written when a
 * process was killed and go; a module's folder becomes what the journal says; a folder of which it says nothing is taken in.
 */
export async function tidy({ store, folders, log }: TidyOptions): Promise<void> {
  const lost = await store.blobs.reconcile();
  if (lost.length > 0) {
    log.warn(
      `${lost.length} blobs are gone from the folder .capsule: their modules cannot be downloaded`,
    );
  }

  const listed = new Map(
    store.catalog.modules().filter(({ plain }) => plain).map((each) => [keyOf(each), each]),
  );
  const wrong: ListedModule[] = [];
  for (const found of folders.list()) {
    const module = listed.get(keyOf(found));
    listed.delete(keyOf(found));
    if (module === undefined) await adopt(found, store, log);
    else if (!folders.holds(module, module)) wrong.push(module);
  }
  for (const module of [...wrong, ...listed.values()]) {
    try {
      await putBack(module, store, folders);
    } catch (error) {
      // It can be had from its blob all the same.
      log.warn(`the folder of ${keyOf(module)} is not put right: ${messageOf(error)}`);
    }
  }
}

/** A module's folder as the journal has it: a kill came in between, or somebody changed a file by hand. */
async function putBack(
  module: ModuleName & ModuleFacts,
  store: Store,
  folders: ModuleFolders,
): Promise<void> {
  if (!store.catalog.blob(module.digest)) return;
  await (await folders.prepare(module, module)).commit();
}

/** Takes a module in that somebody else put there: an older Capsule, a copy of a folder, or a process that was killed. */
async function adopt(
  { path, infoPath, ...name }: ModuleName & { path: string; infoPath: string },
  store: Store,
  log: Log,
): Promise<void> {
  try {
    const { isFile, mtime } = await Deno.lstat(path);
    if (!isFile) return;
    await using writer = await store.blobs.begin();
    using file = await Deno.open(path);
    const buffer = new Uint8Array(256 * 1024);
    for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
      await writer.write(buffer.subarray(0, count));
    }
    const fault = writer.moduleFault(path);
    if (fault) throw fault;
    const info = await Deno.readTextFile(infoPath).catch(() => "");
    const at = mtime?.getTime() ?? Date.now();
    await store.putModule(name, writer, { info: info.replace(/\n$/, ""), overwrite: false, at });
  } catch (error) {
    // One bad file in a folder keeps nobody from the others.
    if (error instanceof Deno.errors.NotFound) return;
    log.warn(`not shown: ${messageOf(error)}`);
  }
}

const keyOf = ({ user, module, tag }: ModuleName): string => `${user}/${module}/${tag}`;
