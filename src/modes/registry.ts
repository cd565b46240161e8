import type { ModeOptions } from "../options/mode_options.ts";
import { openRegistry } from "../registry/registry.ts";
import { assertMayStart } from "../server/admin_guard.ts";
import { listen } from "../server/listen.ts";
import type { Context } from "../base/context.ts";
import { listenOptionsOf } from "./listen_flags.ts";
import { type ModeServer, runServer } from "./mode_server.ts";

/** Stores and serves modules until the process is stopped. */
export async function runRegistry(
  options: ModeOptions<"registry">,
  context: Context,
): Promise<number> {
  await using registry = await startRegistry(options, context);
  return await runServer(registry, context, { mode: "registry", fields: { files: options.files } });
}

/** Starts the registry of a folder. */
export async function startRegistry(
  options: ModeOptions<"registry">,
  { log }: Context,
): Promise<ModeServer> {
  const { host, files, adminToken, readToken, overwrite } = options;
  assertMayStart({ host, token: adminToken, what: "the registry" });
  await using opened = new AsyncDisposableStack();
  const registry = opened.use(
    await openRegistry({
      files,
      host,
      log,
      adminToken,
      readToken,
      overwrite,
      maxUpload: options.maxUpload,
      graceMs: options.gcGrace,
    }),
  );
  const server = await listen({
    handler: registry.handler,
    port: options.httpPort,
    ...listenOptionsOf(options, log),
  });
  opened.defer(() => server.stop(0));
  const open = opened.move();
  return {
    ...server,
    about: `registry of ${registry.store.catalog.modules().length} modules in ${files}`,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
