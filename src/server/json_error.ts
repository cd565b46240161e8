import type { Log } from "../base/log.ts";
import { messageOf } from "../base/errors.ts";
import { HttpError } from "./http_error.ts";

/** Returns the response `{"code":"…","message":"…"}`, the form of all errors of server modes. */
export function jsonError(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ code, message }), {
    status,
    headers: { ...headers, "content-type": "application/json" },
  });
}

/** Returns 404 for a path that the server does not have. */
export function pageNotFound(request: Request): Response {
  const { pathname } = new URL(request.url);
  return jsonError(404, "PAGE_NOT_FOUND", `no page for ${request.method} ${pathname}`);
}

/**
 * Returns the response for an error that a handler threw. An unknown error is a bug: it is logged,
 * and the client gets a plain 500.
 */
export function errorResponse(error: unknown, log: Log): Response {
  if (error instanceof HttpError) {
    const { status, code, message, more } = error;
    return Response.json({ code, message, ...more }, { status });
  }
  log.error(
    `request failed: ${error instanceof Error ? error.stack ?? error.message : messageOf(error)}`,
  );
  return jsonError(500, "INTERNAL_ERROR", "the server failed, its log says why");
}
