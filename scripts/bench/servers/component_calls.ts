import type { Context } from "../../../src/base/context.ts";
import { ComponentCaller } from "../../../src/function/component/component_caller.ts";
import { createComponentHandler } from "../../../src/function/component/component_http.ts";
import { grantsOf, limitsOf } from "../../../src/modes/runner_flags.ts";
import type { ModeOptions } from "../../../src/options/mode_options.ts";
import { loadCode, type NamedModule } from "../../../src/runner/load_code.ts";
import { openComponent } from "../../../src/runner/open_component.ts";

/** Returns a function that sends a GET for a path to a component, as `-mode=http` does. */
export async function componentCalls(
  module: NamedModule,
  options: ModeOptions<"http">,
  context: Context,
): Promise<(path: string) => Response | Promise<Response>> {
  const limits = limitsOf(options);
  const { reuse, unlimited, adapter } = options;
  const loading = { mode: "http", limits, reuse, unlimited, adapter } as const;
  const code = await loadCode(module, loading, context.log);
  if (code.kind !== "component") throw new Error(`${module.name} is not a component`);
  const sink = { write: () => {}, isTerminal: () => false };
  const { callee } = await openComponent({
    code,
    name: module.name,
    grants: grantsOf(options, context.io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks: { stdout: sink, stderr: sink },
    args: [],
  }, context);
  const handle = createComponentHandler(new ComponentCaller(callee, context.log), {
    maxBodyBytes: options.maxBody,
  });
  return (path) => handle(new Request(`http://bench${path}`));
}
