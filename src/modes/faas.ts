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
import type { Part } from "./part.ts";
import { startRegistry } from "./registry.ts";
import { startReverseProxy } from "./reverse_proxy.ts";
import { startWorker } from "./worker.ts";

/**
 * Registry, proxy and worker together, until they are told to stop. They share this process: no guest runs in it (a worker's functions are
 * processes of their own), one signal stops all of them in the right order, and none of them can be there without the others. They speak with
 * each other as they would over a network, each showing the token.
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
    // A secret that was given to us is not ours to print.
    token: options.adminToken === undefined ? token : undefined,
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
    // Whoever reads a log of JSON is no person who tries commands, and keeps what it says.
    if (options.log === "text") writeOrDrop(io.stdout, commands);
  };
  await serveUntilStopped(platform, { log, ready });
  return 0;
}

/** The parts, each with the URL by which this machine's programs reach it. */
interface Platform extends Stoppable, AsyncDisposable {
  readonly registry: Part;
  readonly proxy: Part;
  readonly worker: Part;
}

async function startPlatform(
  { options, data, token }: { options: ModeOptions<"faas">; data: string; token: string },
  context: Context,
): Promise<Platform> {
  await using opened = new AsyncDisposableStack();
  const begin = async (portFlag: string, starting: Promise<Part>): Promise<Part> => {
    const part = opened.use(await naming(portFlag, starting));
    return { ...part, url: fromHere(part.url) };
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
    // What routes there are the worker knows, and registers anew: kept ones could lead to a port that is another function's by now.
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
  // Only the proxy calls the functions themselves, whoever may call the proxy.
  const worker = await begin("-workerPort", startWorker(workerOptions, context, "127.0.0.1"));

  const ended = Promise.withResolvers<void>();
  const open = opened.move();
  return {
    registry,
    proxy,
    worker,
    finished: ended.promise,
    async stop(graceMs) {
      // First what runs is taken out of the proxy and finishes; then nobody needs the other two.
      await worker.stop(graceMs);
      await Promise.all([proxy.stop(graceMs), registry.stop(graceMs)]);
      ended.resolve();
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** By which name this machine's programs reach what listens there. */
function fromHere(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const isHere = ["127.0.0.1", "0.0.0.0", "[::]"].includes(hostname);
  return `${protocol}//${isHere ? "localhost" : hostname}:${port}`;
}

/** A part's own flag for its port is -httpPort, which is another here. */
async function naming(portFlag: string, part: Promise<Part>): Promise<Part> {
  try {
    return await part;
  } catch (error) {
    if (!(error instanceof CapsuleError) || error.code !== "LISTEN") throw error;
    throw new CapsuleError("LISTEN", error.message.replace("-httpPort", portFlag), {
      cause: error,
    });
  }
}
