import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readConfigFile } from "./read_config.ts";
import type { RouteTable } from "./route_table.ts";
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
    try {
      const after = await readConfigFile(path);
      onRead?.(after);
      await table.change({ kind: "reload", before: this.#read, after });
      this.#read = after;
      log.info(`read ${path} again: ${after.size} functions`, { event: "reloaded", functions: after.size });
    } catch (error) {
      log.error(`the routes stay as they are: ${messageOf(error)}`, { event: "reload-failed" });
    }
  }

  /** From now on reads the file again whenever it changes. Its folder is watched, since editors put a new file in its place. */
  watch(): void {
    const { path } = this.#options;
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const watcher = Deno.watchFs(slash < 0 ? "." : path.slice(0, slash) || "/", { recursive: false });
    this.#watcher = watcher;
    this.#watching = (async () => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      for await (const { kind, paths } of watcher) {
        if (kind === "access" || !paths.some((each) => each.endsWith(`/${name}`) || each === name)) continue;
        clearTimeout(timer);
        timer = setTimeout(() => this.reload(), settleMs);
      }
      clearTimeout(timer);
    })();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    await this.#watching;
    await this.#last;
  }
}
