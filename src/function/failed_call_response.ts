import type { Log } from "../base/log.ts";
import { HttpError } from "../server/http_error.ts";
import { jsonError } from "../server/json_error.ts";
import { HeapFullError, TimeoutError } from "../wasm/limit_errors.ts";
import { OverloadedError } from "../wasm/pool.ts";
import { ExitError, TrapError } from "./traps.ts";

/** Returns the response to a call that failed; logs errors that are bugs of Capsule. */
export function failedCallResponse(error: unknown, log: Log): Response {
  if (error instanceof TimeoutError) {
    const { code, message, limitMs, elapsedMs } = error;
    return Response.json({ code, message, limitMs, elapsedMs }, { status: 504 });
  }
  if (error instanceof OverloadedError) {
    return jsonError(503, error.code, error.message, { "retry-after": "1" });
  }
  if (error instanceof TrapError || error instanceof ExitError || error instanceof HeapFullError) {
    return jsonError(500, error.code, error.message);
  }
  if (error instanceof HttpError) return jsonError(error.status, error.code, error.message);
  log.error(
    `a call failed, this is a bug in capsule: ${
      error instanceof Error ? error.stack : String(error)
    }`,
  );
  return jsonError(500, "INTERNAL_ERROR", "the launcher failed, its log says why");
}
