/** How the end of a body is known. */
export type BodyKind =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Answers only: the connection's end is the body's. */
  | { readonly kind: "until-close" };

export const noBody: BodyKind = { kind: "none" };
export const chunkedBody: BodyKind = { kind: "chunked" };
export const untilClose: BodyKind = { kind: "until-close" };
