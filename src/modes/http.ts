import type { ModeOptions } from "../cli/flags.ts";
import type { World } from "./modes.ts";

/** Listens until it is told to stop. It does not call the function yet: every answer is a 501 that says so. */
export async function runHttp(options: ModeOptions<"http">, { log }: World): Promise<number> {
  const server = Deno.serve({
    hostname: options.host,
    port: options.httpPort,
    onListen({ hostname, port }) {
      const url = `http://${hostname}:${port}`;
      log.event("ready", `listening on ${url}`, { mode: "http", url });
    },
  }, () => new Response("-mode=http cannot call a function yet\n", { status: 501 }));
  const stop = () => server.shutdown();
  Deno.addSignalListener("SIGTERM", stop);
  await server.finished;
  Deno.removeSignalListener("SIGTERM", stop);
  return 0;
}
