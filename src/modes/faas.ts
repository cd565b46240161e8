import { join, resolve } from "node:path";
import { CapsuleError } from "../base/errors.ts";
import { writeOrDrop } from "../base/io.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { serveUntilStopped, type Stoppable } from "../server/serve_until_stopped.ts";
import { tokenOfFile } from "../server/token_file.ts";
import { holdFolder } from "../worker/state/hold.ts";
import { commandsToTry } from "./commands_to_try.ts";
import type { Context } from "../base/context.ts";
import { builtIn } from "./module_bytes.ts";
import type { ModeServer } from "./mode_server.ts";
import { startRegistry } from "./registry.ts";
import { startReverseProxy } from "./reverse_proxy.ts";
import { startWorker } from "./worker.ts";

/**
 * Runs a registry, a proxy and a worker until the process is stopped. They share this process, as
 * no guest runs in it: one signal stops them in the right order, and none is up without the others.
 * They use each other's HTTP interfaces, with the token, as they would over a network.
 */
export async function runFaas(options: ModeOptions<"faas">, context: Context): Promise<number> {
  const { io, log } = context;
  const data = resolve(io.cwd(), options.data);
  using _held = await holdFolder(data, "-mode=faas");
  const token = options.adminToken ?? await tokenOfFile(join(data, "token"), log);
  await using platform = await startPlatform({ options, data, token }, context);
  const { registry, proxy, worker } = platform;

  await Deno.writeFile(join(data, "hello.wasm"), await builtIn());
  const commands = commandsToTry({
    registryUrl: registry.url,
    proxyUrl: proxy.url,
    workerUrl: worker.url,
    tokenFile: options.adminToken === undefined ? join(options.data, "token") : undefined,
    wasm: join(options.data, "hello.wasm"),
  });
  const ready = () => {
    const lines = [registry, proxy, worker].map(({ about, url }) => `${about} on ${url}`);
    log.event("ready", lines.join("\n"), {
      mode: "faas",
      url: proxy.url,
      registry: registry.url,
      proxy: proxy.url,
      worker: worker.url,
      data,
    });
    // A JSON log is read by a program, and kept.
    if (options.log === "text") writeOrDrop(io.stdout, commands);
  };
  await serveUntilStopped(platform, { log, ready });
  return 0;
}

/** The servers, with URLs for clients on this machine. */
interface Platform extends Stoppable, AsyncDisposable {
  readonly registry: ModeServer;
  readonly proxy: ModeServer;
  readonly worker: ModeServer;
}

async function startPlatform(
  { options, data, token }: { options: ModeOptions<"faas">; data: string; token: string },
  context: Context,
): Promise<Platform> {
  await using opened = new AsyncDisposableStack();
  const begin = async (portFlag: string, starting: Promise<ModeServer>): Promise<ModeServer> => {
    const server = opened.use(await namingPort(portFlag, starting));
    return { ...server, url: localUrl(server.url) };
  };
  const common = {
    ...options,
    adminToken: token,
    crt: undefined,
    key: undefined,
    backend: "memory",
  } as const;
  const registry = await begin(
    "-registryPort",
    startRegistry({
      ...common,
      httpPort: options.registryPort,
      files: join(options.data, "modules"),
    }, context),
  );
  const proxy = await begin(
    "-proxyPort",
    // The worker registers its routes again. A kept one might lead to the port of another function.
    startReverseProxy({ ...common, httpPort: options.proxyPort, routes: undefined }, context),
  );
  const workerOptions = {
    ...common,
    httpPort: options.workerPort,
    data,
    state: undefined,
    reverseProxy: proxy.url,
    proxyToken: token,
    registry: registry.url,
    registryToken: token,
    workerDomain: "localhost",
  };
  // Only the proxy calls the functions, so they listen on loopback.
  const worker = await begin("-workerPort", startWorker(workerOptions, context, "127.0.0.1"));

  const ended = Promise.withResolvers<void>();
  const open = opened.move();
  return {
    registry,
    proxy,
    worker,
    finished: ended.promise,
    async stop(graceMs) {
      // The worker takes its routes out of the proxy and finishes its calls first.
      await worker.stop(graceMs);
      await Promise.all([proxy.stop(graceMs), registry.stop(graceMs)]);
      ended.resolve();
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Returns the URL by which programs of this machine reach a server. */
function localUrl(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const isHere = ["127.0.0.1", "0.0.0.0", "[::]"].includes(hostname);
  return `${protocol}//${isHere ? "localhost" : hostname}:${port}`;
}

/** Replaces -httpPort in the message of a failed start by the flag of this mode. */
async function namingPort(portFlag: string, starting: Promise<ModeServer>): Promise<ModeServer> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof CapsuleError) || error.code !== "LISTEN") throw error;
    throw new CapsuleError("LISTEN", error.message.replace("-httpPort", portFlag), {
      cause: error,
    });
  }
}
