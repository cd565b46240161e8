import type { Handler } from "../server/listen.ts";

/** Figures of a thread: memory in bytes, and counts; `requests` is the number since its start. */
export type ThreadFigures = Deno.MemoryUsage & {
  instances: number;
  busy: number;
  queued: number;
  requests: number;
};

/** An opened module that serves requests. */
export interface ServedModule {
  /** Returns the handler of the server. `ownPage` returns the response to what is not a call. */
  handler(ownPage: (request: Request) => Response | Promise<Response> | undefined): Handler;
  figures(): Pick<ThreadFigures, "instances" | "busy" | "queued">;
  close(): Promise<void>;
}
