import type { Handler, OpenConnections } from "../server/listen.ts";

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
  /** Returns what serves connections of HTTP/1.1 without TLS. Default: Deno, by the handler. */
  connections?(
    ownPage: (path: string) => Response | Promise<Response> | undefined,
  ): OpenConnections;
  figures(): Pick<ThreadFigures, "instances" | "busy" | "queued">;
  close(): Promise<void>;
}
