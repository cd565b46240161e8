import type { ModeOptions } from "../options/mode_options.ts";
import { createCgiHandler } from "../function/cgi/cgi_handler.ts";
import { openCommand, type Plan } from "./function_of.ts";
import type { Context } from "../base/context.ts";
import type { ServedModule } from "./serve_function.ts";

/** Serves a WASI program like CGI: every request but those for the launcher's own pages is a run. */
export async function serveProgram(
  options: ModeOptions<"http">,
  context: Context,
  plan: Plan,
): Promise<ServedModule> {
  const { called, close } = await openCommand(options, context, { ...plan, args: [] });
  const serve = createCgiHandler(called, {
    maxBodyBytes: options.maxBody,
    log: context.log,
    server: () => ({
      hostname: options.host,
      port: plan.information.httpPort ?? options.httpPort,
      isTls: options.crt !== undefined,
    }),
  });
  return {
    handler: (own) => (request, { remoteAddr }) => own(request) ?? serve(request, remoteAddr),
    figures: () => called.figures,
    close,
  };
}
