import type { ModeOptions } from "../options/mode_options.ts";
import { createCgiHandler } from "../function/cgi/cgi_handler.ts";
import { openProgram } from "../runner/open_program.ts";
import type { RunnerOptions } from "../runner/runner_options.ts";
import type { Context } from "../base/context.ts";
import type { ServedModule } from "./served_module.ts";

/** Opens a WASI program to be served as CGI: each request is a run. */
export async function serveProgram(
  running: RunnerOptions,
  options: ModeOptions<"http">,
  context: Context,
): Promise<ServedModule> {
  const { callee: program, close } = await openProgram({ ...running, args: options.args }, context);
  const serve = createCgiHandler(program, {
    maxBodyBytes: options.maxBody,
    log: context.log,
    server: () => ({
      hostname: options.host,
      port: running.information.httpPort ?? options.httpPort,
      isTls: options.crt !== undefined,
    }),
  });
  return {
    handler: (ownPage) => (request, { remoteAddr }) =>
      ownPage(request) ?? serve(request, remoteAddr),
    figures: () => program.figures,
    close,
  };
}
