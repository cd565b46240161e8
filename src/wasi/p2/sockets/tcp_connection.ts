import { TcpInput, TcpOutput } from "./tcp_streams.ts";

/**
 * A connection with its streams. It is closed when the guest has dropped the socket and both
 * streams, and all buffered bytes were sent.
 */
export class TcpConnection {
  readonly input: TcpInput;
  readonly output: TcpOutput;
  readonly #connection: Deno.TcpConn;
  readonly #onUnused: () => void;
  readonly #users = new Set(["socket", "input", "output"]);

  /** @param onUnused called when the connection is to be closed. */
  constructor(connection: Deno.TcpConn, onUnused: () => void) {
    this.#connection = connection;
    this.#onUnused = onUnused;
    this.input = new TcpInput(connection, () => this.#drop("input"));
    this.output = new TcpOutput(connection, () => this.#drop("output"));
  }

  get localAddress(): Deno.NetAddr {
    return this.#connection.localAddr;
  }

  get remoteAddress(): Deno.NetAddr {
    return this.#connection.remoteAddr;
  }

  setKeepAlive(isEnabled: boolean): void {
    try {
      this.#connection.setKeepAlive(isEnabled);
    } catch {
      // The peer has reset the connection.
    }
  }

  /** Called when the guest has dropped the socket. */
  dropSocket(): void {
    this.#drop("socket");
  }

  /** Closes the connection immediately. */
  close(): void {
    this.#connection.close();
  }

  #drop(user: string): void {
    this.#users.delete(user);
    if (this.#users.size === 0) void this.output.sent.then(this.#onUnused);
  }
}
