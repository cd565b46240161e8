import { writeFileAtomically } from "../../base/atomic_file.ts";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import { decodeRoutes } from "./decode_routes.ts";
import { encodeRoutes, type Routes } from "./routes.ts";

/** The content of `-routes`: the routes, and those of the configuration file when last read. */
export interface KeptRoutes {
  readonly routes: Routes;
  readonly config: Routes;
}

/**
 * Reads the routes of a file; undefined if it does not exist.
 *
 * @throws CapsuleError `ROUTES` if it cannot be read or holds something else.
 */
export async function readRoutesFile(path: string): Promise<KeptRoutes | undefined> {
  let text: string;
  try {
    // A device may be endless.
    if (!(await Deno.stat(path)).isFile) throw new TypeError("it is not a regular file");
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
    throw new CapsuleError("ROUTES", `${from} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const { routes, config }: { routes?: unknown; config?: unknown } = Object(value);
  return { routes: decodeRoutes(routes, from), config: decodeRoutes(config, from) };
}

/** Writes the routes durably: a crash leaves the state before or after. */
export async function writeRoutesFile(path: string, { routes, config }: KeptRoutes): Promise<void> {
  const content = { routes: encodeRoutes(routes), config: encodeRoutes(config) };
  try {
    await writeFileAtomically(path, JSON.stringify(content, null, 2) + "\n", { mode: 0o600 });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error("no such folder", { cause: error });
    throw error;
  }
}
