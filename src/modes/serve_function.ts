import { BatchedOutput } from "../base/batched_output.ts";
import { guestLine } from "../base/log.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { createHttpHandler } from "../function/http_handler.ts";
import type { HostInformation } from "../host/info.ts";
import { gathered } from "../server/gather.ts";
import { errorResponse } from "../server/json_error.ts";
import { listen, type ListenOptions } from "../server/listen.ts";
import type { Blueprint } from "../wasm/instance.ts";
import { grantsOf, limitsOf } from "./runner_flags.ts";
import type { ServedModule, ThreadFigures } from "./served_module.ts";
import { openFunction } from "../runner/open_function.ts";
import type { RunnerOptions } from "../runner/runner_options.ts";
import type { Context } from "../base/context.ts";

/** How one thread serves. */
export interface ServeOptions {
  readonly options: ModeOptions<"http">;
  readonly name: string;
  readonly blueprint: Blueprint;
  readonly port: number;
  readonly reusePort?: ListenOptions["reusePort"];
  /** What `/host-metrics` answers: this thread's figures unless there are others. */
  readonly metrics?: () => Promise<unknown>;
}

/** A function that is listened for. */
export interface ServedFunction {
  readonly url: string;
  readonly port: number;
  readonly finished: Promise<void>;
  figures(): ThreadFigures;
  stop(graceMs: number): Promise<void>;
  /** Frees everything; after `stop`. */
  close(): Promise<void>;
}

/** Listens, and calls the function for each request but those for the launcher's own pages. */
export async function serveFunction(
  serving: ServeOptions,
  context: Context,
): Promise<ServedFunction> {
  const { options, name, blueprint, port, reusePort } = serving;
  const { io, log } = context;
  const stdout = new BatchedOutput(io.stdout);
  const stderr = new BatchedOutput(io.stderr);
  const information: HostInformation = { pings: 0 };
  const running: RunnerOptions = {
    blueprint,
    name,
    grants: grantsOf(options, io),
    limits: limitsOf(options),
    dataFolder: options.data,
    information,
    sinks: { stdout, stderr, formLine: guestLine(options.log, functionName(name)) },
  };
  const module = blueprint.kind === "command"
    ? await (await import("./serve_program.ts")).serveProgram(running, options, context)
    : await serveCalls(running, options, context);
  const close = async () => {
    await module.close();
    stdout.flush();
    stderr.flush();
  };
  let requests = 0;
  const figures = () => ({ ...Deno.memoryUsage(), ...module.figures(), requests });
  const metrics = serving.metrics ?? (() => Promise.resolve(figures()));
  const own = new Map<string, () => Response | Promise<Response>>([
    ["/health", () => new Response("OK")],
    ["/host-metrics", async () => Response.json(await metrics())],
  ]);
  const { crt, key, host } = options;
  try {
    const server = await listen({
      host,
      port,
      reusePort,
      tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
      handler: module.handler((request) => {
        const page = own.get(pathOf(request.url));
        if (!page) requests++;
        return page?.();
      }),
      onError: (error) => errorResponse(error, log),
      onFull: (sentence) => log.warn(sentence),
    });
    information.httpPort = server.port;
    return { ...server, figures, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every request but those for the launcher's own pages is a call. */
async function serveCalls(
  running: RunnerOptions,
  options: ModeOptions<"http">,
  context: Context,
): Promise<ServedModule> {
  const { called, close } = await openFunction(running, context);
  const serve = createHttpHandler(called, { maxBodyBytes: options.maxBody, log: context.log });
  return {
    // A handler that takes the request alone is the cheapest one.
    handler: (own) => gathered((request) => own(request) ?? serve(request)),
    figures: () => called.figures,
    close,
  };
}

/** What the function is called in a line of the log: its module's name without its folder and ending. */
function functionName(module: string): string {
  return module.slice(module.lastIndexOf("/") + 1).replace(/\.wasm$/, "");
}

/** The path of an absolute URL, without building one. */
function pathOf(url: string): string {
  const start = url.indexOf("/", 8);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
