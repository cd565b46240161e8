import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Catalog, CatalogEvent, ModuleFacts } from "./catalog.ts";
import type { Ledger } from "./ledger.ts";
import type { ModuleFolders, PreparedFolder } from "./module_folders.ts";
import { splitRepository } from "./module_name.ts";

/** A tag after a change; without a module when it holds none or is removed. */
export interface ChangedTag {
  tag: string;
  module?: ModuleFacts;
}

/** Changes of tags, in the ledger and in the folders that show their modules. */
export class TagChanges {
  readonly catalog: Catalog;
  readonly #ledger: Ledger;
  readonly #folders: ModuleFolders;
  readonly #log: Log;

  constructor({ ledger, folders, log }: { ledger: Ledger; folders: ModuleFolders; log: Log }) {
    this.catalog = ledger.catalog;
    this.#ledger = ledger;
    this.#folders = folders;
    this.#log = log;
  }

  /**
   * Records events and updates the folders of the tags that they change. Requires that no other
   * change of the repository is in progress.
   *
   * @throws HttpError 507 `DISK_FULL`: nothing has changed.
   */
  async apply(
    repository: string,
    tags: readonly ChangedTag[],
    events: CatalogEvent[],
  ): Promise<void> {
    const name = splitRepository(repository);
    const prepared: PreparedFolder[] = [];
    try {
      for (const { tag, module } of name ? tags : []) {
        if (name && module) prepared.push(await this.#folders.prepare({ ...name, tag }, module));
      }
      await this.#ledger.record(events);
    } catch (error) {
      for (const folder of prepared) await folder.abort();
      throw error;
    }
    try {
      for (const folder of prepared) await folder.commit();
      for (const { tag, module } of tags) {
        if (name && !module) await this.#folders.remove({ ...name, tag });
      }
    } catch (error) {
      // The change is recorded, and the folder only shows it.
      this.#log.error(
        `a folder of ${repository} is repaired at the next start: ${messageOf(error)}`,
      );
    }
  }
}
