/** The timeouts of a client's connection in milliseconds; 0 for no limit. */
export interface ConnectionTimeouts {
  /** Between writes that the client takes. */
  readonly idleMs: number;
  /** For a whole head, from its first byte. */
  readonly headMs: number;
  /** For a body, with another second for each 500 bytes received. */
  readonly bodyMs: number;
  /** For the next request on a connection. */
  readonly keepAliveMs: number;
}

export const defaultConnectionTimeouts: ConnectionTimeouts = {
  idleMs: 300_000,
  headMs: 10_000,
  bodyMs: 30_000,
  keepAliveMs: 75_000,
};
