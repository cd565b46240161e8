import { Catalog, type CatalogEvent } from "./catalog.ts";
import { Journal } from "./journal.ts";

/** What the registry knows, in memory (the catalog) and on the disk (the journal of all that changed it). */
export class Ledger {
  readonly catalog: Catalog;
  readonly #journal: Journal<CatalogEvent[]>;

  private constructor(catalog: Catalog, journal: Journal<CatalogEvent[]>) {
    this.catalog = catalog;
    this.#journal = journal;
  }

  /**
   * Reads the journal, and writes it anew where most of it is history.
   *
   * @throws CapsuleError `STORE` when it is damaged.
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
   * Resolves when the events have happened.
   *
   * @throws HttpError 507 `DISK_FULL`: none of them has.
   */
  async record(events: CatalogEvent[]): Promise<void> {
    await this.#journal.append(events);
    this.catalog.apply(events);
  }

  /** For what is gone: it is so at once, and written down when this resolves. A start that does not find it written finds it gone. */
  async recordGone(events: CatalogEvent[]): Promise<void> {
    this.catalog.apply(events);
    await this.#journal.append(events);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}
