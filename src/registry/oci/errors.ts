import { HttpError } from "../../server/http_error.ts";
import { dropBody } from "../../server/json_app.ts";

/** The code of a failure that other parts of the server have other words for. */
const codes: Record<number, string> = { 401: "UNAUTHORIZED", 403: "DENIED", 413: "SIZE_INVALID" };

/** `{"errors":[{"code","message"}]}`, the form that the protocol asks for. */
export function ociError(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ errors: [{ code: codes[status] ?? code, message }] }), {
    status,
    headers: {
      "docker-distribution-api-version": "registry/2.0",
      ...headers,
      "content-type": "application/json",
    },
  });
}

/**
 * The answer to a request that failed. What it still sends is read first, so that it gets the answer; an unknown error is a bug and passes through.
 */
export async function ociErrorResponse(request: Request, error: unknown): Promise<Response> {
  if (!(error instanceof HttpError)) throw error;
  await dropBody(request);
  const headers = error instanceof OciHttpError ? error.headers : {};
  return ociError(error.status, error.code, error.message, headers);
}

/** A failure whose answer says more in its headers. */
export class OciHttpError extends HttpError {
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string>) {
    super(status, code, message);
    this.headers = headers;
  }
}
