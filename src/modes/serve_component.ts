import type { Context } from "../base/context.ts";
import { createComponentHandler } from "../function/component/component_http.ts";
import { type ComponentRunnerOptions, openComponent } from "../runner/open_component.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { gathered } from "../server/gather.ts";
import type { ServedModule } from "./served_module.ts";

/** Opens a component; each request is a call of its `wasi:http/incoming-handler`. */
export async function serveComponent(
  running: ComponentRunnerOptions,
  { maxStreamBody }: Pick<ModeOptions<"http">, "maxStreamBody">,
  context: Context,
): Promise<ServedModule> {
  const { callee: called, close } = await openComponent(running, context);
  const serve = createComponentHandler(called, {
    maxBodyBytes: maxStreamBody,
    log: context.log,
  });
  return {
    // Hot path: a handler with one parameter is the fastest (bench: `throughput`).
    handler: (ownPage) => gathered((request) => ownPage(request) ?? serve(request)),
    figures: () => called.figures,
    close,
  };
}
