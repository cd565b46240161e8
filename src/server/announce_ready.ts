import type { Log, LogFields } from "../base/log.ts";

/**
 * Says that a mode serves: `{"event":"ready","mode":"http","url":"http://127.0.0.1:8080"}` with `-log=json`, for programs that wait
 * for it, else the sentence (`serving hello.wasm on http://127.0.0.1:8080`).
 */
export function announceReady(
  log: Log,
  { mode, url, sentence, fields }: {
    mode: string;
    url: string;
    sentence: string;
    fields?: LogFields;
  },
): void {
  log.event("ready", sentence, { mode, url, ...fields });
}
