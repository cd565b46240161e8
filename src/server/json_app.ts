import { Hono } from "hono";
import type { Context, MiddlewareHandler } from "hono";
import type { ZodType } from "zod";
import type { Log } from "../base/log.ts";
import type { Guard } from "./admin_guard.ts";
import { HttpError } from "./http_error.ts";
import { errorResponse, pageNotFound } from "./json_error.ts";
import { dropBody, readBody } from "./read_body.ts";

/**
 * Returns a Hono app whose errors have the form `{"code","message"}`: a thrown `HttpError`, an
 * unknown page, and a bug (500, logged). `app.fetch` is its handler. For admin and registry
 * interfaces; calls of functions do not pass through it.
 */
export function jsonApp(log: Log): Hono {
  const app = new Hono();
  // Deno keeps a connection open as long as the body of an answered request does not arrive.
  app.use(async ({ req }, next) => {
    await next();
    if (!req.raw.bodyUsed) await dropBody(req.raw);
  });
  app.notFound((context) => pageNotFound(context.req.raw));
  app.onError((error) => errorResponse(error, log));
  return app;
}

/** Returns the guard as middleware: `app.use("/memory/*", guarded(guard))`. */
export function guarded(guard: Guard): MiddlewareHandler {
  return async (context, next) => {
    const refusal = guard(context.req.raw);
    if (refusal === undefined) return await next();
    await dropBody(context.req.raw);
    return refusal;
  };
}

/** Options of `readJson`. */
export interface JsonOptions {
  maxBytes?: number;
  /** The error code for a body that is not JSON. */
  syntaxCode?: string;
  /** The error code for JSON that does not match the schema. */
  shapeCode?: string;
}

/**
 * Reads the request's body as JSON of a schema (`z.strictObject` refuses unknown fields), by
 * default up to 64 KiB.
 *
 * @throws HttpError 400 `ERROR_JSON_BINDING` for invalid JSON or another shape, with the field in
 * the message; 413 `BODY_TOO_LARGE`; 408 `BODY_TIMEOUT`.
 */
export async function readJson<T>(
  request: Request | Context,
  schema: ZodType<T>,
  { maxBytes = 64 * 1024, syntaxCode = "ERROR_JSON_BINDING", shapeCode = syntaxCode }: JsonOptions =
    {},
): Promise<T> {
  const bytes = await readBody(request instanceof Request ? request : request.req.raw, {
    maxBytes,
  });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HttpError(
      400,
      syntaxCode,
      `the body must be JSON in UTF-8: ${reason(bytes, error)}`,
      {
        cause: error,
      },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => {
    const place = path.map(String).join(".");
    return place === "" ? message : `"${place}": ${message}`;
  });
  throw new HttpError(400, shapeCode, `the body is not as expected: ${issues.join("; ")}`);
}

function reason(bytes: Uint8Array, error: unknown): string {
  if (bytes.length === 0) return "it is empty";
  return error instanceof Error ? error.message : String(error);
}
