import { BatchedOutput } from "../base/batched_output.ts";
import type { ModeOptions } from "../cli/flags.ts";
import type { CapsuleFunction } from "../function/function.ts";
import { createHttpHandler } from "../function/http_handler.ts";
import { HostInformation } from "../host/info.ts";
import { announceReady } from "../server/announce_ready.ts";
import { errorResponse } from "../server/json_error.ts";
import { listen } from "../server/listen.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import { startFunction } from "./function_of.ts";
import type { World } from "./modes.ts";
import { moduleBytes } from "./module_bytes.ts";

/** Serves the function until the process is told to stop: every request is a call. */
export async function runHttp(options: ModeOptions<"http">, world: World): Promise<number> {
  const { io, log } = world;
  const { bytes, name } = await moduleBytes(options, world, "http");
  const stdout = new BatchedOutput(io.stdout);
  const stderr = new BatchedOutput(io.stderr);
  const information = new HostInformation();
  const { called, close } = await startFunction(options, world, {
    mode: "http",
    bytes,
    name,
    information,
    sinks: { stdout, stderr, wholeLines: true },
    stdin: { kind: "empty" },
    reuse: options.reuse,
    maxInstances: options.maxInstances,
    maxQueue: options.maxQueue,
  });
  try {
    const serve = createHttpHandler(called, { maxBodyBytes: options.maxBody, log });
    const own = ownPages(called);
    const { crt, key } = options;
    const server = await listen({
      host: options.host,
      port: options.httpPort,
      tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
      handler: (request) => own.get(pathOf(request.url))?.() ?? serve(request),
      onError: (error) => errorResponse(error, log),
    });
    information.httpPort = server.port;
    announceReady(log, { mode: "http", url: server.url, sentence: `serving ${name} on ${server.url}` });
    await serveUntilStopped(server, { log });
    return 0;
  } finally {
    await close();
    stdout.flush();
    stderr.flush();
  }
}

/** Pages that the launcher answers itself. */
function ownPages(called: CapsuleFunction): Map<string, () => Response> {
  return new Map([
    ["/health", () => new Response("OK")],
    ["/host-metrics", () => Response.json({ ...Deno.memoryUsage(), ...called.figures })],
  ]);
}

/** The path of an absolute URL, without building one. */
function pathOf(url: string): string {
  const start = url.indexOf("/", 8);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
