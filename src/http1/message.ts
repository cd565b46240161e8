/** An error for a message that is not valid HTTP/1.1, or that exceeds a limit of this server. */
export class BadMessage extends Error {
  /** The status of the response to the client that sent it. */
  readonly status: 400 | 408 | 413 | 417 | 431 | 501 | 505;

  constructor(message: string, status: BadMessage["status"] = 400) {
    super(message);
    this.name = "BadMessage";
    this.status = status;
  }
}

/** The framing of a body (RFC 9112 § 6.3). */
export type BodyKind =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Responses only: the body ends with the connection. */
  | { readonly kind: "until-close" };

export const noBody: BodyKind = { kind: "none" };
export const chunkedBody: BodyKind = { kind: "chunked" };
export const untilClose: BodyKind = { kind: "until-close" };
