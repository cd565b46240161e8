import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { ModuleName } from "../../oci/names.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { Catalog, ListedModule, ModuleFacts } from "./catalog.ts";
import type { FoundModule, ModuleFolders } from "./module_folders.ts";
import type { StoredBlobs } from "./stored_blobs.ts";

/** The parts of a store that `tidy` reconciles. */
export interface TidyOptions {
  catalog: Catalog;
  blobs: StoredBlobs;
  folders: ModuleFolders;
  log: Log;
  /** Stores a module that was found in a folder. */
  putModule(
    name: ModuleName,
    writer: BlobWriter,
    facts: { info: string; at: number },
  ): Promise<unknown>;
}

/**
 * Reconciles the disk with the journal after a start. Blobs that the journal does not have are
 * leftovers of a killed process and are removed; module folders become as the journal has them;
 * folders that it does not have are adopted.
 */
export async function tidy(options: TidyOptions): Promise<void> {
  const { catalog, blobs, folders, log } = options;
  const lost = await blobs.reconcile();
  if (lost.length > 0) {
    log.warn(
      `${lost.length} blobs are gone from the folder .capsule: their modules cannot be downloaded`,
    );
  }
  const missing = new Map(
    catalog.modules().filter(({ plain }) => plain).map((module) => [keyOf(module), module]),
  );
  const damaged: ListedModule[] = [];
  for (const found of folders.list()) {
    const module = missing.get(keyOf(found));
    missing.delete(keyOf(found));
    if (module === undefined) await adopt(found, options);
    else if (!folders.holds(module, module)) damaged.push(module);
  }
  for (const module of [...damaged, ...missing.values()]) {
    try {
      await repair(module, options);
    } catch (error) {
      // The module itself is still served from its blob.
      log.warn(`the folder of ${keyOf(module)} is not repaired: ${messageOf(error)}`);
    }
  }
}

/** Rebuilds a module's folder after a kill, or after a file in it was changed by hand. */
async function repair(
  module: ModuleName & ModuleFacts,
  { catalog, folders }: TidyOptions,
): Promise<void> {
  if (!catalog.blob(module.digest)) return;
  const folder = await folders.prepare(module, module);
  await folder.commit();
}

/** Stores a module that an older version, a copied folder or a killed process left. */
async function adopt(
  { path, infoPath, ...name }: FoundModule,
  { blobs, log, putModule }: TidyOptions,
): Promise<void> {
  try {
    // A link could lead to any file of the machine.
    const { isFile, mtime } = await Deno.lstat(path);
    if (!isFile) return;
    await using writer = await blobs.begin();
    const { readable } = await Deno.open(path);
    for await (const piece of readable) await writer.write(piece);
    const fault = writer.moduleFault(path);
    if (fault) throw fault;
    const info = await Deno.readTextFile(infoPath).catch(() => "");
    const at = mtime?.getTime() ?? Date.now();
    await putModule(name, writer, { info: info.replace(/\n$/, ""), at });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    // One damaged file in the folder must not stop the others.
    log.warn(`not shown: ${messageOf(error)}`);
  }
}

function keyOf({ user, module, tag }: ModuleName): string {
  return `${user}/${module}/${tag}`;
}
