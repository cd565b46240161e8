import type { Io } from "./io.ts";
import type { Log } from "./log.ts";

/** The process's streams and environment, and the launcher's log. */
export interface Context {
  readonly io: Io;
  readonly log: Log;
}
