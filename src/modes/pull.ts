import type { ModeOptions } from "../options/mode_options.ts";
import { sha256OfFile } from "../source/saved_copy.ts";
import { fetchUrl } from "./fetch_url.ts";
import { onlyModule } from "./module_bytes.ts";
import type { Context } from "../base/context.ts";

/** Downloads a module and prints its path and its digest. */
export async function runPull(options: ModeOptions<"pull">, context: Context): Promise<number> {
  const wasm = options.wasm && onlyModule(options.wasm);
  const path = await fetchUrl({ ...options, wasm }, context);
  context.io.stdout.write(`${wasm ?? path} sha256:${await sha256OfFile(path)}\n`);
  return 0;
}
