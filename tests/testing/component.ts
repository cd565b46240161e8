import { createLog } from "../../src/base/log.ts";
import { parse } from "../../src/cli/parse.ts";
import { ComponentCaller } from "../../src/function/component/component_caller.ts";
import { createComponentHandler } from "../../src/function/component/component_http.ts";
import type { ComponentFunctions } from "../../src/function/component/component_functions.ts";
import { grantsOf, limitsOf } from "../../src/modes/runner_flags.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import { loadCode } from "../../src/runner/load_code.ts";
import { openComponent } from "../../src/runner/open_component.ts";
import { memoryIo } from "./memory_io.ts";

/** A component served in this process, without a socket. */
export interface TestComponent extends AsyncDisposable {
  readonly called: ComponentFunctions;
  readonly handle: (request: Request) => Promise<Response>;
}

/** Serves a component with flags of `-mode=http`. */
export async function serveComponentBytes(
  bytes: Uint8Array<ArrayBuffer>,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<TestComponent> {
  const io = memoryIo({ env });
  const command = parse(["-mode=http", ...flags], io.env);
  if (command.kind !== "mode") throw new Error("the flags ask for no mode");
  const options = command.options as ModeOptions<"http">;
  const log = createLog("text", io);
  const limits = limitsOf(options);
  const name = "guest.wasm";
  const { reuse, unlimited, adapter } = options;
  const loading = { mode: "http", limits, reuse, unlimited, adapter } as const;
  const code = await loadCode({ name, bytes }, loading, log);
  if (code.kind !== "component") throw new Error("the bytes are no component");
  const { callee: called, close } = await openComponent({
    code,
    name,
    grants: grantsOf(options, io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr },
    args: [],
  }, { io, log });
  const handler = createComponentHandler(new ComponentCaller(called, log), {
    maxBodyBytes: options.maxBody,
  });
  return {
    called,
    handle: async (request) => await handler(request),
    [Symbol.asyncDispose]: close,
  };
}
