import { basename, dirname } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readConfigFile } from "./read_config.ts";
import type { RouteTable } from "./change_routes.ts";
import type { Routes } from "./routes.ts";

/** What `-watch` waits for after a change: editors write a file in several steps. */
const settleMs = 50;

export interface ConfigWatchOptions {
  readonly path: string;
  /** The file's routes as they were read last. */
  readonly read: Routes;
  readonly table: RouteTable;
  /** Told what was read before the table is changed by it. */
  readonly onRead?: (routes: Routes) => void;
  readonly log: Log;
}

/** Reads the configuration again when asked: a good file replaces the routes at once, a bad one changes nothing and is logged. */
export class ConfigWatch implements AsyncDisposable {
  readonly #options: ConfigWatchOptions;
  #read: Routes;
  #last: Promise<void> = Promise.resolve();
  #watcher: Deno.FsWatcher | undefined;
  #watching: Promise<void> | undefined;
  /** Of the file as it was read last. */
  #stamp = "";

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#read = options.read;
  }

  /** Resolves when it has been read; never rejects. */
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
      log.info(`read ${path} again: ${after.size} functions`, {
        event: "reloaded",
        functions: after.size,
      });
    } catch (error) {
      log.error(`the routes stay as they are: ${messageOf(error)}`, { event: "reload-failed" });
    }
  }

  /**
   * From now on reads the file again whenever it changes. Its folder is watched, since editors put a new file in its place, and anything there may
   * change it: Kubernetes has a link there, and changes a second one that the first leads through.
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
        // What happens to other files does not put it off.
        if (!isNamed && timer !== undefined) continue;
        clearTimeout(timer);
        timer = setTimeout(() => {
          timer = undefined;
          void this.#look(isNamed);
        }, settleMs);
      }
      clearTimeout(timer);
    })();
  }

  async #look(isNamed: boolean): Promise<void> {
    if (isNamed || await stampOf(this.#options.path) !== this.#stamp) await this.reload();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    await this.#watching;
    await this.#last;
  }
}

/** What tells a file from the one that was there before. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtime } = await Deno.stat(path);
    return [dev, ino, size, mtime?.getTime()].join();
  } catch {
    return "";
  }
}
