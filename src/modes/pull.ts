import type { ModeOptions } from "../cli/flags.ts";
import { sha256OfFile } from "../source/saved_copy.ts";
import { fetchUrl } from "./fetch_url.ts";
import type { World } from "./modes.ts";

/** Fetches a module and says where it is: its path and its digest are the last line. */
export async function runPull(options: ModeOptions<"pull">, world: World): Promise<number> {
  const path = await fetchUrl(options, world);
  world.io.stdout.write(`${options.wasm ?? path} sha256:${await sha256OfFile(path)}\n`);
  return 0;
}
