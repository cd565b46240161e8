import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import type { Supervisor } from "../supervision/supervisor.ts";
import { loadCode } from "../runner/load_code.ts";
import type { Context } from "../base/context.ts";
import { moduleBytes } from "./module_bytes.ts";
import { limitsOf } from "./runner_flags.ts";
import { serveFunction } from "./serve_function.ts";

/** Serves the function until the process is stopped: each request is a call. */
export async function runHttp(options: ModeOptions<"http">, context: Context): Promise<number> {
  if (!options.supervised) return await serve(options, context, undefined);
  const [{ attachSupervisor }, { endWithInput }] = await Promise.all([
    import("../supervision/supervisor.ts"),
    import("../supervision/end_with_input.ts"),
  ]);
  // Ctrl+C signals every process of a terminal; this one is stopped by its supervisor.
  Deno.addSignalListener("SIGINT", () => {});
  const supervisor = await attachSupervisor(context.io);
  endWithInput();
  try {
    return await serve(options, context, supervisor);
  } catch (error) {
    if (error instanceof CapsuleError) {
      supervisor.report({ kind: "failed", code: error.code, message: error.message });
    }
    throw error;
  }
}

async function serve(
  options: ModeOptions<"http">,
  context: Context,
  supervisor: Supervisor | undefined,
): Promise<number> {
  const { log } = context;
  const module = await moduleBytes(options, context, "http");
  const { name } = module;
  const { reuse, unlimited, adapter } = options;
  const limits = limitsOf(options);
  const code = await loadCode(module, { mode: "http", limits, reuse, unlimited, adapter }, log);
  const serving = { options, name, code, port: options.httpPort };
  const server = options.threads === 1
    ? await serveFunction(serving, context)
    : await (await import("./http_threads.ts")).serveOnThreads(serving, context);
  try {
    const { url, port } = server;
    // Without a supervisor there is no reason to finish the calls.
    supervisor?.gone.then(() => server.stop(0));
    const ready = () => {
      log.event("ready", `serving ${name} on ${url}`, { mode: "http", url });
      supervisor?.report({ kind: "ready", url, port });
    };
    await serveUntilStopped(server, { log, ready, signals: supervisor ? ["SIGTERM"] : undefined });
    return 0;
  } finally {
    await server.close();
  }
}
