/** The client that a request comes from. */
export interface Sender {
  /** Its address. */
  readonly address: string;
  /** Whether it is a proxy whose `X-Forwarded-…` are believed. */
  readonly trusted: boolean;
  readonly protocol: "http" | "https";
}
