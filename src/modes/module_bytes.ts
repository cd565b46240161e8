import { absolutePath } from "../base/io.ts";
import { CapsuleError, UsageError } from "../base/errors.ts";
import type { ModulePath } from "../options/flag.ts";
import type { NamedModule } from "../runner/load_code.ts";
import { readModule } from "../source/read_module.ts";
import type { RunnerFlags } from "./runner_flags.ts";
import type { Context } from "../base/context.ts";

/**
 * Returns the module that the options name: downloaded first with `-url`, the built-in one, with a
 * notice, without `-wasm` and `-url`.
 *
 * @throws CapsuleError as `readModule` and `fetchUrl` do, `DIGEST` if it is not that of `-sha256`.
 */
export async function moduleBytes(
  options: RunnerFlags,
  context: Context,
  mode: "cli" | "http",
): Promise<NamedModule> {
  const { url, sha256 } = options;
  const wasm = mode === "cli" && options.wasm ? onlyModule(options.wasm) : options.wasm?.path;
  const name = wasm ?? url;
  if (name === undefined) return await builtInModule(sha256, context, mode);
  const path = url === undefined
    ? absolutePath(name, context.io)
    : await (await import("./fetch_url.ts")).fetchUrl({ ...options, url, wasm }, context);
  const bytes = readModule(path);
  if (sha256 !== undefined) await checkDigest(bytes, { name, sha256 });
  const middleware = (options.wasm?.middleware ?? []).map((name) => ({
    name,
    bytes: readModule(absolutePath(name, context.io)),
  }));
  return { name, bytes, middleware };
}

/** Returns the path of the only module. @throws UsageError if there is middleware before it. */
export function onlyModule({ path, middleware }: ModulePath): string {
  const [first] = middleware;
  if (first === undefined) return path;
  throw new UsageError(
    `-wasm is given several times, first as ${first}: only -mode=http has middleware`,
  );
}

async function builtInModule(
  sha256: string | undefined,
  { io, log }: Context,
  mode: "cli" | "http",
): Promise<NamedModule> {
  if (sha256 !== undefined) throw new UsageError("-sha256 also needs -wasm=PATH");
  const verb = mode === "cli" ? "calling" : "serving";
  const { startCommand } = await import("./start_command.ts");
  const command = `${startCommand(io)} -mode=${mode} -wasm=./hello.wasm`;
  log.info(`${verb} the built-in hello function; your own: ${command}`);
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
    `${name} has the digest ${digest}, which is not -sha256=${sha256}`,
  );
}

/** Returns the built-in hello function, which has a handler for each mode. */
export async function builtIn(): Promise<Uint8Array<ArrayBuffer>> {
  return (await import("../../examples/hello/hello.wasm", { with: { type: "bytes" } })).default;
}
