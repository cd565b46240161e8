/** The timeouts of the proxy in milliseconds; 0 for no limit. */
export interface ProxyTimeouts {
  /** Until a connection to an upstream is open. */
  readonly connectMs: number;
  /** From the end of a request to the first byte of its response. */
  readonly firstByteMs: number;
  /** Between reads of a response or a tunnel, and between writes that the peer takes. */
  readonly idleMs: number;
  /** For a client's whole head, from its first byte. */
  readonly headMs: number;
  /** For a client's body, with another second for each 500 bytes received. */
  readonly bodyMs: number;
  /** For a client's next request on a connection. */
  readonly keepAliveMs: number;
}

export const defaultProxyTimeouts: ProxyTimeouts = {
  connectMs: 5000,
  firstByteMs: 30_000,
  idleMs: 300_000,
  headMs: 10_000,
  bodyMs: 30_000,
  keepAliveMs: 75_000,
};
