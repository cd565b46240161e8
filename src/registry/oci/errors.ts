import { HttpError } from "../../server/http_error.ts";
import { dropBody } from "../../server/read_body.ts";

/** Codes of the protocol for failures that have other codes in the rest of the server. */
const codes: Record<number, string> = { 401: "UNAUTHORIZED", 403: "DENIED", 413: "SIZE_INVALID" };

/**
 * Returns an error response in the protocol's form: `{"errors":[{"code","message"}]}`.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
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
 * Returns the response to a request that failed, after the rest of its body was read.
 *
 * @throws the error, unless it is an HttpError: it is a bug.
 */
export async function ociErrorResponse(request: Request, error: unknown): Promise<Response> {
  if (!(error instanceof HttpError)) throw error;
  await dropBody(request);
  const headers = error instanceof OciHttpError ? error.headers : {};
  return ociError(error.status, error.code, error.message, headers);
}

/** A failure whose response has headers of its own. */
export class OciHttpError extends HttpError {
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string>) {
    super(status, code, message);
    this.headers = headers;
  }
}
