import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { readModule } from "../source/read_module.ts";
import type { World } from "./modes.ts";

/** The function that runs when no module is named: it has a handler for each mode. */
const builtIn = new URL("../../examples/hello/hello.wasm", import.meta.url);

/** A module's bytes, and its name for messages. */
export interface NamedModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The module that the options name: downloaded first if `-url` says so, or the built-in one, and then a line says so. */
export async function moduleBytes(
  options: ModeOptions<"cli"> | ModeOptions<"http">,
  world: World,
  mode: "cli" | "http",
): Promise<NamedModule> {
  const { wasm, url, sha256 } = options;
  if (wasm === undefined) {
    const verb = mode === "cli" ? "calling" : "serving";
    world.log.info(`${verb} the built-in hello function; your own: capsule -mode=${mode} -wasm=./hello.wasm`);
    return { name: "the built-in hello function", bytes: await readModule(fileURLToPath(builtIn)) };
  }
  const path = resolve(world.io.cwd(), wasm);
  if (url !== undefined) {
    const { fetchModule } = await import("../source/fetch_module.ts");
    await fetchModule({ url, path, sha256, stderr: world.io.stderr, log: world.log });
  }
  const bytes = await readModule(path);
  if (sha256 !== undefined) await checkDigest(bytes, { wasm, sha256 });
  return { name: wasm, bytes };
}

async function checkDigest(
  bytes: Uint8Array<ArrayBuffer>,
  { wasm, sha256 }: { wasm: string; sha256: string },
) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  if (digest === sha256.toLowerCase()) return;
  throw new CapsuleError("DIGEST", `${wasm} has the digest ${digest}, and -sha256=${sha256} was asked for`);
}
