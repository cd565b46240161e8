import { join, resolve } from "node:path";
import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { announceReady } from "../server/announce_ready.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import { tokenOfFile } from "../server/token_file.ts";
import { commandsToTry } from "./commands_to_try.ts";
import type { World } from "./modes.ts";
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
export async function runFaas(options: ModeOptions<"faas">, world: World): Promise<number> {
  const { io, log } = world;
  const data = resolve(io.cwd(), options.data);
  // Deployments have secrets of their own in their variables.
  await Deno.mkdir(data, { recursive: true, mode: 0o700 });
  const token = options.adminToken ?? await tokenOfFile(join(data, "token"), log);

  await using parts = new AsyncDisposableStack();
  const start = async (flag: string, part: Promise<Part>) => parts.use(await naming(flag, part));
  const common = {
    ...options,
    adminToken: token,
    crt: undefined,
    key: undefined,
    backend: "memory",
  } as const;
  const registry = await start(
    "-registryPort",
    startRegistry({ ...common, httpPort: options.registryPort, files: join(options.data, "modules") }, world),
  );
  const proxy = await start(
    "-proxyPort",
    // What routes there are the worker knows, and registers anew: kept ones could lead to a port that is another function's by now.
    startReverseProxy({ ...common, httpPort: options.proxyPort, routes: undefined }, world),
  );
  const [registryUrl, proxyUrl] = [fromHere(registry.url), fromHere(proxy.url)];
  const worker = await start(
    "-workerPort",
    startWorker(
      {
        ...common,
        httpPort: options.workerPort,
        data,
        state: undefined,
        reverseProxy: proxyUrl,
        proxyToken: token,
        registry: registryUrl,
        registryToken: token,
      },
      world,
      "127.0.0.1",
    ),
  );
  const workerUrl = fromHere(worker.url);

  const ended = Promise.withResolvers<void>();
  const stop = async (graceMs: number) => {
    // First what runs is taken out of the proxy and finishes; then nobody needs the other two.
    await worker.stop(graceMs);
    await Promise.all([proxy.stop(graceMs), registry.stop(graceMs)]);
    ended.resolve();
  };
  const wasm = join(options.data, "hello.wasm");
  await Deno.writeFile(join(data, "hello.wasm"), await builtIn());
  // A secret that was given to us is not ours to print.
  const shownToken = options.adminToken === undefined ? token : undefined;
  const ready = () => {
    announceReady(log, {
      mode: "faas",
      url: proxyUrl,
      sentence:
        `${registry.about} on ${registryUrl}\n${proxy.about} on ${proxyUrl}\n${worker.about} on ${workerUrl}`,
      fields: { registry: registryUrl, proxy: proxyUrl, worker: workerUrl, data },
    });
    // Whoever reads a log of JSON is no person who tries commands, and keeps what it says.
    if (options.log === "text") {
      io.stdout.write(commandsToTry({ registryUrl, proxyUrl, workerUrl, token: shownToken, wasm }));
    }
  };
  await serveUntilStopped({ finished: ended.promise, stop }, { log, ready });
  return 0;
}

/** By which name this machine's programs reach what listens there. */
function fromHere(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const isHere = ["127.0.0.1", "0.0.0.0", "[::]", "[::1]"].includes(hostname);
  return `${protocol}//${isHere ? "localhost" : hostname}:${port}`;
}

/** A part's own flag for its port is -httpPort, which is another here. */
async function naming(flag: string, part: Promise<Part>): Promise<Part> {
  try {
    return await part;
  } catch (error) {
    if (!(error instanceof CapsuleError) || error.code !== "LISTEN") throw error;
    throw new CapsuleError("LISTEN", error.message.replace("-httpPort", flag), { cause: error });
  }
}
