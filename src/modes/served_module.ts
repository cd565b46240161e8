import type { Handler } from "../server/listen.ts";

/** Figures of one thread: bytes, and counts of instances and calls; `requests` counts those since its start. */
export type ThreadFigures = Deno.MemoryUsage & {
  instances: number;
  busy: number;
  queued: number;
  requests: number;
};

/** A module that answers requests. */
export interface ServedModule {
  /** The server's handler: `own` answers what is no call. */
  handler(own: (request: Request) => Response | Promise<Response> | undefined): Handler;
  figures(): Pick<ThreadFigures, "instances" | "busy" | "queued">;
  close(): Promise<void>;
}
