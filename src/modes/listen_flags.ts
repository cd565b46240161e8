import type { Log } from "../base/log.ts";
import { errorResponse } from "../server/json_error.ts";
import type { ListenOptions } from "../server/listen.ts";

/** The flags of every mode that listens with the server of Deno. */
export interface ListenFlags {
  readonly host: string;
  readonly crt: string | undefined;
  readonly key: string | undefined;
}

/** Returns the options that the flags set for a server; its errors are JSON and go to the log. */
export function listenOptionsOf(
  { host, crt, key }: ListenFlags,
  log: Log,
): Omit<ListenOptions, "handler" | "port"> {
  return {
    host,
    tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
    onError: (error) => errorResponse(error, log),
    onFull: (sentence) => log.warn(sentence),
  };
}
