import { Catalog, type CatalogEvent } from "./catalog.ts";
import { Journal } from "./journal.ts";

/** The registry's knowledge: the catalog in memory, and the journal of all changes on the disk. */
export class Ledger {
  readonly catalog: Catalog;
  readonly #journal: Journal<CatalogEvent[]>;

  private constructor(catalog: Catalog, journal: Journal<CatalogEvent[]>) {
    this.catalog = catalog;
    this.#journal = journal;
  }

  /**
   * Replays a journal, and compacts it if most of it is obsolete.
   *
   * @throws CapsuleError `STORE` if it is damaged.
   */
  static async open(path: string): Promise<Ledger> {
    const catalog = new Catalog();
    const journal = await Journal.open<CatalogEvent[]>(
      path,
      (events) => catalog.apply(events),
      (lines) => lines > 1000 && lines > 2 * catalog.liveEvents ? catalog.snapshot() : undefined,
    );
    return new Ledger(catalog, journal);
  }

  /**
   * Journals events, then applies them.
   *
   * @throws HttpError 507 `DISK_FULL`: none of them has happened.
   */
  async record(events: CatalogEvent[]): Promise<void> {
    await this.#journal.append(events);
    this.catalog.apply(events);
  }

  /**
   * Applies removals in memory first, then journals them. After a crash in between, the start finds
   * that the blobs are missing.
   */
  async recordRemoved(events: CatalogEvent[]): Promise<void> {
    this.catalog.apply(events);
    await this.#journal.append(events);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}
