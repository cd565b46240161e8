import type { Endpoint } from "./socket_address.ts";

/** The permissions of the sockets of one guest. */
export interface SocketGrant {
  /** True if nothing is granted: no socket can be made. */
  readonly isEmpty: boolean;
  /** Reports whether the guest may connect to the address, and exchange datagrams with it. */
  mayReach(remote: Endpoint): boolean;
  /** Reports whether every peer may connect, or send datagrams, to a socket bound there. */
  mayListen(local: Endpoint): boolean;
  /** Reports whether the guest may look up a name, in ASCII and lower case. */
  mayResolve(name: string): boolean;
  /**
   * Looks up a name. Connecting to one of its addresses is then granted as a rule with the name
   * grants it, until `forget` is called.
   *
   * @returns the addresses that a rule allows.
   * @throws an error with a `code` of Node's resolver, or `DENIED` if no address is allowed.
   */
  resolve(name: string): Promise<readonly string[]>;
  /** Forgets the names that were looked up. */
  forget(): void;
}
