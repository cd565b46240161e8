/** How long the proxy waits for whom, in milliseconds; 0: for ever. */
export interface Timeouts {
  /** For a connection to an upstream. */
  readonly connectMs: number;
  /** From the end of a request to the first byte of its answer. */
  readonly firstByteMs: number;
  /** For the next bytes of an answer, and of a tunnel; and for a peer to take what it is sent. */
  readonly idleMs: number;
  /** For a client's whole head, from its first byte. */
  readonly headMs: number;
  /** For a client's body: so long, and longer by a second for each 500 bytes that come. */
  readonly bodyMs: number;
  /** For a client's next request on a connection. */
  readonly keepAliveMs: number;
}

export const defaultTimeouts: Timeouts = {
  connectMs: 5000,
  firstByteMs: 30_000,
  idleMs: 300_000,
  headMs: 10_000,
  bodyMs: 30_000,
  keepAliveMs: 75_000,
};
