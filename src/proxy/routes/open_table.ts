import { CapsuleError, messageOf, UsageError } from "../../base/errors.ts";
import type { Env } from "../../base/io.ts";
import type { Log } from "../../base/log.ts";
import { changeRoutes } from "./change_routes.ts";
import { MemoryTable } from "./memory_table.ts";
import type { RouteTable } from "./change_routes.ts";
import type { Routes } from "./routes.ts";
import { readRoutesFile, writeRoutesFile } from "./routes_file.ts";

/** Options of `openTable`. */
export interface TableOptions {
  readonly backend: "memory" | "redis" | undefined;
  /** The routes of the configuration file; empty without one. */
  readonly config: Routes;
  /** The file that keeps the routes of the memory backend over a restart. */
  readonly routesFile?: string;
  readonly env: Env;
  readonly log: Log;
}

/** A table, and a function to call after the configuration file was read again. */
export interface OpenTable {
  readonly table: RouteTable;
  readonly onRead?: (config: Routes) => void;
}

/**
 * Opens the table of a backend: its last routes, with what changed in the configuration file since.
 *
 * @throws CapsuleError `ROUTES` if `-routes` cannot be read or written, `STORE` if Redis cannot be
 * reached.
 */
export async function openTable(
  { backend, config, routesFile, env, log }: TableOptions,
): Promise<OpenTable> {
  if (routesFile !== undefined && backend !== "memory") {
    throw new UsageError("-routes keeps the routes of -backend=memory; Redis keeps its own");
  }
  if (backend === "redis") {
    const { keyValueSettings } = await import("../../store/settings.ts");
    const settings = keyValueSettings(env, "");
    if (settings.kind !== "redis") {
      throw new UsageError("-backend=redis needs the address of Redis: set REDIS_ADDR");
    }
    const { RedisTable } = await import("./redis_table.ts");
    return { table: await RedisTable.open(settings, config, log) };
  }
  if (routesFile === undefined) return { table: new MemoryTable(config) };
  const kept = await readRoutesFile(routesFile);
  let known = config;
  const save = (routes: Routes) => writeRoutesFile(routesFile, { routes, config: known });
  const routes = kept
    ? changeRoutes(kept.routes, { kind: "reload", before: kept.config, after: config })
    : config;
  try {
    await save(routes);
  } catch (error) {
    throw new CapsuleError("ROUTES", `cannot write -routes=${routesFile}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { table: new MemoryTable(routes, save), onRead: (read) => known = read };
}
