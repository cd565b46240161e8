import type { LogFields } from "../base/log.ts";
import { serveUntilStopped, type Stoppable } from "../server/serve_until_stopped.ts";
import type { ModeName } from "../options/modes.ts";
import type { Context } from "../base/context.ts";

/** A server that a mode is, or is one of several that a mode starts together. Disposing of it stops it at once. */
export interface Part extends Stoppable, AsyncDisposable {
  readonly url: string;
  /** What it is, for the ready line: `registry of 3 modules in ./wasm_modules`. */
  readonly about: string;
}

/** Says that a part serves, and waits until it is told to stop. */
export async function runPart(
  part: Part,
  { log }: Context,
  { mode, fields }: { mode: ModeName; fields?: LogFields },
): Promise<number> {
  const { url, about } = part;
  const ready = () => log.event("ready", `${about} on ${url}`, { mode, url, ...fields });
  await serveUntilStopped(part, { log, ready });
  return 0;
}
