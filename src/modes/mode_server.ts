import type { Context } from "../base/context.ts";
import type { LogFields } from "../base/log.ts";
import type { ModeName } from "../options/modes.ts";
import { serveUntilStopped, type Stoppable } from "../server/serve_until_stopped.ts";

/** A running server of a mode; `faas` has three. Disposing of it stops it without grace period. */
export interface ModeServer extends Stoppable, AsyncDisposable {
  readonly url: string;
  /** The server and its content, for the ready line: `registry of 3 modules in ./wasm_modules`. */
  readonly about: string;
}

/** Announces a server, waits until it is stopped, and returns the exit code. */
export async function runServer(
  server: ModeServer,
  { log }: Context,
  { mode, fields }: { mode: ModeName; fields?: LogFields },
): Promise<number> {
  const { url, about } = server;
  const ready = () => log.event("ready", `${about} on ${url}`, { mode, url, ...fields });
  await serveUntilStopped(server, { log, ready });
  return 0;
}
