import type { Context } from "../base/context.ts";
import type { Log } from "../base/log.ts";
import { ComponentCaller } from "../function/component/component_caller.ts";
import { createComponentHandler } from "../function/component/component_http.ts";
import { createComponentServer } from "../function/component/http1_server.ts";
import type { ClientConnection, Serve } from "../http1/client_connection.ts";
import { ClientConnections } from "../http1/client_connections.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { TickClock } from "../http1/tick_clock.ts";
import { defaultConnectionTimeouts } from "../http1/timeouts.ts";
import { type ComponentRunnerOptions, openComponent } from "../runner/open_component.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { batched } from "../server/batch.ts";
import type { OpenConnections } from "../server/listen.ts";
import type { ServedModule } from "./served_module.ts";

const tickMs = 250;

/** Opens a component; each request is a call of its `wasi:http/incoming-handler`. */
export async function serveComponent(
  running: ComponentRunnerOptions,
  { maxStreamBody: maxBodyBytes }: Pick<ModeOptions<"http">, "maxStreamBody">,
  context: Context,
): Promise<ServedModule> {
  const { callee: called, close } = await openComponent(running, context);
  const { log } = context;
  const caller = new ComponentCaller(called, log);
  const serve = createComponentHandler(caller, { maxBodyBytes });
  return {
    // Hot path: a handler with one parameter is the fastest (bench: `throughput`).
    handler: (ownPage) => batched((request) => ownPage(request) ?? serve(request)),
    connections: (ownPage) =>
      openConnections(inBatches(createComponentServer(caller, { maxBodyBytes, ownPage })), log),
    figures: () => called.figures,
    close,
  };
}

/** Batches requests as `batched` does. */
function inBatches(serve: Serve): Serve {
  type Asked = readonly [request: RequestHead, client: ClientConnection];
  const serveInBatch = batched<Asked, void>(([request, client]) => serve(request, client));
  // `serve` returns a promise, which this passes on.
  return (request, client) => Promise.resolve(serveInBatch([request, client]));
}

/** Returns connections of HTTP/1.1 without TLS. */
function openConnections(serve: Serve, log: Log): OpenConnections {
  const clock = new TickClock(tickMs);
  const clients = new ClientConnections({
    ...{ clock, serve, log, timeouts: defaultConnectionTimeouts },
  });
  return {
    serve(accepted) {
      if ("setNoDelay" in accepted) accepted.setNoDelay(true);
      void clients.serve(accepted, { address: "", trusted: false, protocol: "http" });
    },
    shutdown: () => clients.shutdown(),
    cut: () => clients.cut(),
    empty: () => clients.empty(),
    [Symbol.dispose]: () => clock[Symbol.dispose](),
  };
}
