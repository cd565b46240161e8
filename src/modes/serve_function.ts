import { BatchedOutput } from "../base/batched_output.ts";
import { guestLine } from "../base/log.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { createHttpHandler } from "../function/http_handler.ts";
import type { HostInformation } from "../host/info.ts";
import { gathered } from "../server/gather.ts";
import { errorResponse } from "../server/json_error.ts";
import { type Handler, listen, type ListenOptions } from "../server/listen.ts";
import type { Blueprint } from "../wasm/instance.ts";
import { type Plan, startFunction } from "./function_of.ts";
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

/** Figures of one thread: bytes, and counts of instances and calls; `requests` counts those since its start. */
export type ThreadFigures = Deno.MemoryUsage & {
  instances: number;
  busy: number;
  queued: number;
  requests: number;
};

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

/** A module that answers requests. */
export interface ServedModule {
  /** The server's handler: `own` answers what is no call. */
  handler(own: (request: Request) => Response | Promise<Response> | undefined): Handler;
  figures(): Pick<ThreadFigures, "instances" | "busy" | "queued">;
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
  const plan: Plan = {
    mode: "http",
    blueprint,
    name,
    information,
    sinks: { stdout, stderr, formLine: guestLine(options.log, functionName(name)) },
    maxInstances: options.maxInstances,
    maxQueue: options.maxQueue,
  };
  const module = blueprint.kind === "command"
    ? await (await import("./serve_program.ts")).serveProgram(options, context, plan)
    : await serveCalls(options, context, plan);
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
  options: ModeOptions<"http">,
  context: Context,
  plan: Plan,
): Promise<ServedModule> {
  const { called, close } = await startFunction(options, context, plan);
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
