import type { ModeOptions } from "../options/mode_options.ts";
import { openRegistry } from "../registry/registry.ts";
import { assertMayStart } from "../server/admin_guard.ts";
import { errorResponse } from "../server/json_error.ts";
import { listen } from "../server/listen.ts";
import type { Context } from "../base/context.ts";
import { type Part, runPart } from "./part.ts";

/** Stores modules and gives them out until it is told to stop. */
export async function runRegistry(
  options: ModeOptions<"registry">,
  context: Context,
): Promise<number> {
  await using registry = await startRegistry(options, context);
  return await runPart(registry, context, { mode: "registry", fields: { files: options.files } });
}

/** Listens, and serves the registry of a folder. */
export async function startRegistry(
  options: ModeOptions<"registry">,
  { log }: Context,
): Promise<Part> {
  const { host, httpPort: port, crt, key, files, adminToken, readToken, overwrite } = options;
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
    host,
    port,
    tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
    onError: (error) => errorResponse(error, log),
    onFull: (sentence) => log.warn(sentence),
  });
  opened.defer(() => server.stop(0));
  const open = opened.move();
  return {
    ...server,
    about: `registry of ${registry.store.catalog.modules().length} modules in ${files}`,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
