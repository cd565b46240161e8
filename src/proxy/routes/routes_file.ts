import { CapsuleError, messageOf } from "../../base/errors.ts";
import { decodeRoutes } from "./decode_routes.ts";
import { encodeRoutes, type Routes } from "./routes.ts";

/** What `-routes` keeps: the routes, and the configuration file's as they were last read, to see what changed in it meanwhile. */
export interface KeptRoutes {
  readonly routes: Routes;
  readonly config: Routes;
}

/**
 * The routes that a file keeps; `undefined` when there is none yet.
 *
 * @throws CapsuleError `ROUTES` when it cannot be read or holds something else.
 */
export async function readRoutesFile(path: string): Promise<KeptRoutes | undefined> {
  let text: string;
  try {
    // A device may have no end.
    if (!(await Deno.stat(path)).isFile) throw new TypeError("it is no regular file");
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new CapsuleError("ROUTES", `cannot read -routes=${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const from = `-routes=${path}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CapsuleError("ROUTES", `${from} is no JSON: ${messageOf(error)}`, { cause: error });
  }
  const { routes, config }: { routes?: unknown; config?: unknown } = Object(value);
  return { routes: decodeRoutes(routes, from), config: decodeRoutes(config, from) };
}

/** Writes aside and renames, so that a crash leaves the state before or the state after. */
export async function writeRoutesFile(path: string, { routes, config }: KeptRoutes): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}.tmp`;
  const text =
    JSON.stringify({ routes: encodeRoutes(routes), config: encodeRoutes(config) }, null, 2) + "\n";
  try {
    {
      using file = await Deno.open(aside, { write: true, createNew: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(aside, path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error("no such folder", { cause: error });
    await Deno.remove(aside).catch(() => {});
    throw error;
  }
}
