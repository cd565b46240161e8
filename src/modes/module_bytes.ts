import { absolutePath } from "../base/paths.ts";
import { CapsuleError, UsageError } from "../base/errors.ts";
import type { NamedModule } from "../runner/load_blueprint.ts";
import { readModule } from "../source/read_module.ts";
import type { RunnerFlags } from "./runner_flags.ts";
import type { Context } from "../base/context.ts";

/** The module that the options name: downloaded first if `-url` says so, or the built-in one, and then a line says so. */
export async function moduleBytes(
  options: RunnerFlags,
  context: Context,
  mode: "cli" | "http",
): Promise<NamedModule> {
  const { wasm, url, sha256 } = options;
  const name = wasm ?? url;
  if (name === undefined) return await builtInModule(sha256, context, mode);
  const path = url === undefined
    ? absolutePath(name, context.io)
    : await (await import("./fetch_url.ts")).fetchUrl({ ...options, url }, context);
  const bytes = readModule(path);
  if (sha256 !== undefined) await checkDigest(bytes, { name, sha256 });
  return { name, bytes };
}

async function builtInModule(
  sha256: string | undefined,
  { log }: Context,
  mode: "cli" | "http",
): Promise<NamedModule> {
  if (sha256 !== undefined) throw new UsageError("-sha256 also needs -wasm=PATH");
  const verb = mode === "cli" ? "calling" : "serving";
  log.info(
    `${verb} the built-in hello function; your own: capsule -mode=${mode} -wasm=./hello.wasm`,
  );
  return { name: "the built-in hello function", bytes: await builtIn() };
}

async function checkDigest(
  bytes: Uint8Array<ArrayBuffer>,
  { name, sha256 }: { name: string; sha256: string },
) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  if (digest === sha256.toLowerCase()) return;
  throw new CapsuleError(
    "DIGEST",
    `${name} has the digest ${digest}, and -sha256=${sha256} was asked for`,
  );
}

/** The function that runs when no module is named: it has a handler for each mode. */
export async function builtIn(): Promise<Uint8Array<ArrayBuffer>> {
  return (await import("../../examples/hello/hello.wasm", { with: { type: "bytes" } })).default;
}
