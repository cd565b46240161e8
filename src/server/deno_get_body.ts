import { innerRequest } from "./deno_request.ts";

/** The part of `Request` that a body is read through. */
export type BodySource = Pick<Request, "body" | "arrayBuffer">;

/**
 * Makes the body of a GET or HEAD request readable, which the fetch standard hides. RFC 9110
 * § 9.3.1 gives it no meaning, but a function receives what the client sent.
 *
 * Deno decides by the method of the request's inner object when the body is first touched, so that
 * object reports POST meanwhile. With a Deno of another layout the body is empty;
 * `tests/server/deno_get_body_test.ts` fails then.
 */
export function bodyOfGet(request: Request): BodySource {
  const inner = innerRequest(request);
  if (inner && !Object.hasOwn(inner, "method")) {
    Object.defineProperty(inner, "method", { value: "POST", configurable: true });
    try {
      void request.body;
    } finally {
      Reflect.deleteProperty(inner, "method");
    }
  }
  return request;
}
