import { basename, dirname } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readConfigFile } from "./read_config.ts";
import type { RouteTable } from "./change_routes.ts";
import type { Routes } from "./routes.ts";

/** Debounce: editors write a file in several steps. */
const settleMs = 50;

/** Options of `ConfigWatch`. */
export interface ConfigWatchOptions {
  readonly path: string;
  /** The routes of the file when it was last read. */
  readonly read: Routes;
  readonly table: RouteTable;
  /** Is called with the new routes before the table changes. */
  readonly onRead?: (routes: Routes) => void;
  readonly log: Log;
}

/** Reloads the configuration file; an invalid file is logged and changes nothing. */
export class ConfigWatch implements AsyncDisposable {
  readonly #options: ConfigWatchOptions;
  #read: Routes;
  #last: Promise<void> = Promise.resolve();
  #watcher: Deno.FsWatcher | undefined;
  #watching: Promise<void> | undefined;
  /** Identifies the file that was last read. */
  #stamp = "";

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#read = options.read;
  }

  /** Reads the file and changes the table. Never rejects. */
  reload(): Promise<void> {
    return this.#last = this.#last.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const { path, table, log, onRead } = this.#options;
    this.#stamp = await stampOf(path);
    try {
      const after = await readConfigFile(path);
      onRead?.(after);
      await table.change({ kind: "reload", before: this.#read, after });
      this.#read = after;
      log.info(`reloaded ${path}: ${after.size} functions`, {
        event: "reloaded",
        functions: after.size,
      });
    } catch (error) {
      log.error(`the routes are unchanged: ${messageOf(error)}`, { event: "reload-failed" });
    }
  }

  /**
   * Reloads the file whenever it changes. Watches its folder, since editors replace the file, and
   * Kubernetes has a symbolic link there that leads through a second one, which it replaces.
   */
  watch(): void {
    const { path } = this.#options;
    const watcher = Deno.watchFs(dirname(path), { recursive: false });
    this.#watcher = watcher;
    this.#watching = (async () => {
      this.#stamp = await stampOf(path);
      let timer: ReturnType<typeof setTimeout> | undefined;
      for await (const { kind, paths } of watcher) {
        if (kind === "access") continue;
        const isNamed = paths.some((each) => basename(each) === basename(path));
        // Changes of other files do not extend the delay.
        if (!isNamed && timer !== undefined) continue;
        clearTimeout(timer);
        timer = setTimeout(() => {
          timer = undefined;
          void this.#reloadIfChanged(isNamed);
        }, settleMs);
      }
      clearTimeout(timer);
    })();
  }

  async #reloadIfChanged(isNamed: boolean): Promise<void> {
    if (isNamed || await stampOf(this.#options.path) !== this.#stamp) await this.reload();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    await this.#watching;
    await this.#last;
  }
}

/** Identifies a version of a file. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtime } = await Deno.stat(path);
    return [dev, ino, size, mtime?.getTime()].join();
  } catch {
    return "";
  }
}
