import { isMapped } from "./socket_address.ts";
import { errorCodeOf, type SocketErrorCode } from "./socket_error.ts";
import { Waiters } from "./waiters.ts";
import type { Pollable } from "../stream_types.ts";

type Accepted =
  | { readonly connection: Deno.TcpConn }
  | { readonly error: SocketErrorCode };

/** A listening socket. It accepts one connection ahead; the system holds the others. */
export class TcpListener implements Pollable {
  readonly #listener: Deno.TcpListener;
  readonly #waiters = new Waiters();
  #accepted: Accepted | undefined;
  #isAccepting = false;
  #isClosed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
  }

  get localAddress(): Deno.NetAddr {
    return this.#listener.addr;
  }

  isReady(): boolean {
    if (this.#accepted) return true;
    if (!this.#isAccepting) void this.#accept();
    return false;
  }

  whenReady(listener: () => void): () => void {
    return this.#waiters.wait(this, listener);
  }

  /** Returns an accepted connection, or an error; undefined if none is accepted yet. */
  take(): Accepted | undefined {
    if (!this.isReady()) return undefined;
    const accepted = this.#accepted;
    this.#accepted = undefined;
    return accepted;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    if (this.#accepted && "connection" in this.#accepted) this.#accepted.connection.close();
    this.#accepted = undefined;
  }

  async #accept(): Promise<void> {
    this.#isAccepting = true;
    let accepted: Accepted | undefined;
    while (!accepted) {
      try {
        const connection = await this.#listener.accept();
        // Deno binds `::` to IPv4, too, which sockets of WASI do not.
        if (isMapped(connection.remoteAddr)) connection.close();
        else accepted = { connection };
      } catch (error) {
        accepted = { error: errorCodeOf(error) };
      }
    }
    this.#isAccepting = false;
    if (this.#isClosed) {
      if ("connection" in accepted) accepted.connection.close();
      return;
    }
    this.#accepted = accepted;
    this.#waiters.notify();
  }
}
