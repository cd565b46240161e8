import { type ConnectionTimeouts, defaultConnectionTimeouts } from "../http1/timeouts.ts";

/** The timeouts of the proxy in milliseconds; 0 for no limit. */
export interface ProxyTimeouts extends ConnectionTimeouts {
  /** Until a connection to an upstream is open. */
  readonly connectMs: number;
  /** From the end of a request to the first byte of its response. */
  readonly firstByteMs: number;
  /** Between reads of a response or a tunnel, and between writes that the peer takes. */
  readonly idleMs: number;
}

/** The timeouts without flags. */
export const defaultProxyTimeouts: ProxyTimeouts = {
  ...defaultConnectionTimeouts,
  connectMs: 5000,
  firstByteMs: 30_000,
};
