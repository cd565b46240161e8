import { UsageError } from "../base/errors.ts";
import { BatchedOutput } from "../base/batched_output.ts";
import { droppedLine, guestLine } from "../base/log.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { createHttpHandler } from "../function/http_handler.ts";
import type { HostInformation } from "../host/info.ts";
import { batched } from "../server/batch.ts";
import { dropBody } from "../server/read_body.ts";
import { listen, type ListenOptions } from "../server/listen.ts";
import type { LoadedCode } from "../runner/load_code.ts";
import { listenOptionsOf } from "./listen_flags.ts";
import { grantsOf, limitsOf } from "./runner_flags.ts";
import type { ServedModule, ThreadFigures } from "./served_module.ts";
import { openFunction } from "../runner/open_function.ts";
import type { RunnerOptions } from "../runner/runner_options.ts";
import type { Context } from "../base/context.ts";

/** Options of a thread that serves a function; all but `metrics` can be posted to a worker. */
export interface ServeOptions {
  readonly options: ModeOptions<"http">;
  readonly name: string;
  readonly code: LoadedCode;
  readonly port: number;
  readonly reusePort?: ListenOptions["reusePort"];
  /** Returns the content of `/host-metrics`; by default the figures of this thread. */
  readonly metrics?: () => Promise<unknown>;
}

/** A function on a port. */
export interface ServedFunction {
  readonly url: string;
  readonly port: number;
  readonly finished: Promise<void>;
  figures(): ThreadFigures;
  stop(graceMs: number): Promise<void>;
  /** Closes the function and what was opened for it, after `stop`. */
  close(): Promise<void>;
}

/** Serves a function or a program on a port, besides `/health` and `/host-metrics`. */
export async function serveFunction(
  serving: ServeOptions,
  context: Context,
): Promise<ServedFunction> {
  const { options, name, code, port, reusePort } = serving;
  const { io, log } = context;
  const outputOptions = { droppedLine: (bytes: number) => droppedLine(options.log, bytes) };
  const stdout = new BatchedOutput(io.stdout, outputOptions);
  const stderr = new BatchedOutput(io.stderr, outputOptions);
  const formLine = guestLine(options.log, functionName(name));
  const information: HostInformation = { pings: 0 };
  const running: Omit<RunnerOptions, "blueprint"> = {
    name,
    grants: grantsOf(options, io),
    limits: limitsOf(options),
    dataFolder: options.data,
    information,
    // Text keeps the lines of Log as they are; in JSON they could pass for events of the launcher.
    sinks: { stdout, stderr, formLine, formLog: options.log === "json" ? formLine : undefined },
  };
  const module = await serveCode(code, running, { options, context });
  const close = async () => {
    await module.close();
    await Promise.all([stdout.close(), stderr.close()]);
  };
  let requests = 0;
  const figures = () => ({ ...Deno.memoryUsage(), ...module.figures(), requests });
  const metrics = serving.metrics ?? (() => Promise.resolve(figures()));
  const ownPages = new Map<string, () => Response | Promise<Response>>([
    ["/health", () => new Response("OK")],
    ["/host-metrics", async () => Response.json(await metrics())],
  ]);
  const ownPage = (path: string) => {
    const page = ownPages.get(path);
    if (!page) requests++;
    return page;
  };
  try {
    const listening = listenOptionsOf(options, log);
    const server = await listen({
      port,
      reusePort,
      ...listening,
      handler: module.handler((request) => {
        const page = ownPage(pathOf(request.url));
        return page && dropBody(request).then(page);
      }),
      connections: listening.tls ? undefined : module.connections?.((path) => ownPage(path)?.()),
    });
    information.httpPort = server.port;
    return { ...server, figures, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens a component, a program or a function. */
async function serveCode(
  code: LoadedCode,
  running: Omit<RunnerOptions, "blueprint">,
  { options, context }: { options: ModeOptions<"http">; context: Context },
): Promise<ServedModule> {
  if (code.kind === "component") {
    const { serveComponent } = await import("./serve_component.ts");
    return await serveComponent({ ...running, code, args: options.args }, options, context);
  }
  const { blueprint } = code;
  return blueprint.kind === "command"
    ? await (await import("./serve_program.ts")).serveProgram(
      { ...running, blueprint },
      options,
      context,
    )
    : await serveCalls({ ...running, blueprint }, options, context);
}

/** Opens a function; each request is a call. */
async function serveCalls(
  running: RunnerOptions,
  options: ModeOptions<"http">,
  context: Context,
): Promise<ServedModule> {
  const [argument] = options.args;
  if (argument !== undefined) {
    throw new UsageError(
      `${running.name} is a function, which takes no arguments with -mode=http: got "${argument}"`,
    );
  }
  const { callee: called, close } = await openFunction(running, context);
  const serve = createHttpHandler(called, { maxBodyBytes: options.maxBody, log: context.log });
  return {
    // Hot path: a handler with one parameter is the fastest (bench: `throughput`).
    handler: (ownPage) => batched((request) => ownPage(request) ?? serve(request)),
    figures: () => called.figures,
    close,
  };
}

/** Returns the name of a function in the log: that of its module, without folder and extension. */
function functionName(module: string): string {
  return module.slice(module.lastIndexOf("/") + 1).replace(/\.wasm$/, "");
}

/** Returns the path of an absolute URL, without parsing it. */
function pathOf(url: string): string {
  const start = url.indexOf("/", 8);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
