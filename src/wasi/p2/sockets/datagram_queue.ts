import type { Pollable } from "../stream_types.ts";
import {
  type Endpoint,
  fromEndpoint,
  type IpSocketAddress,
  isMapped,
  isSameAddress,
} from "./socket_address.ts";
import { errorCodeOf, type SocketErrorCode } from "./socket_error.ts";
import { Waiters } from "./waiters.ts";

/** Most datagrams that are received ahead of the guest; the system buffers others. */
const maxQueued = 16;
/** Bytes of the receive buffer: more than any datagram has. */
const bufferBytes = 65_536;

/** The record `incoming-datagram`. */
export interface IncomingDatagram {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly "remote-address": IpSocketAddress;
}

/** A bound UDP socket with the datagrams that it has received. */
export class DatagramQueue implements Pollable {
  readonly #connection: Deno.DatagramConn;
  readonly #accepts: (source: Endpoint) => boolean;
  readonly #waiters = new Waiters();
  #received: IncomingDatagram[] = [];
  #remote: IpSocketAddress | undefined;
  #error: SocketErrorCode | undefined;
  #isReceiving = false;
  #isClosed = false;

  /** @param accepts reports whether datagrams of a peer are received; others are dropped. */
  constructor(connection: Deno.DatagramConn, accepts: (source: Endpoint) => boolean) {
    this.#connection = connection;
    this.#accepts = accepts;
  }

  get localAddress(): Deno.NetAddr {
    return this.#connection.addr as Deno.NetAddr;
  }

  /** From now on, receives datagrams of this peer only; of all if undefined. */
  setRemote(remote: IpSocketAddress | undefined): void {
    this.#remote = remote;
    this.#received = this.#received.filter((datagram) => this.#isWanted(datagram));
  }

  isReady(): boolean {
    if (this.#received.length > 0 || this.#error) return true;
    if (!this.#isReceiving) void this.#receive();
    return false;
  }

  whenReady(listener: () => void): () => void {
    return this.#waiters.wait(this, listener);
  }

  /** Returns up to `count` datagrams, or an error that occurred while receiving. */
  take(count: number): readonly IncomingDatagram[] | SocketErrorCode {
    if (!this.isReady()) return [];
    const taken = this.#received.splice(0, count);
    if (taken.length > 0 || !this.#error) return taken;
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Sends one datagram. @throws an error of Deno. */
  async send(data: Uint8Array, remote: Endpoint): Promise<void> {
    await this.#connection.send(data, { ...remote, transport: "udp" });
  }

  close(): void {
    this.#isClosed = true;
    this.#received = [];
    this.#connection.close();
  }

  #isWanted({ "remote-address": source }: IncomingDatagram): boolean {
    return this.#remote === undefined || isSameAddress(source, this.#remote);
  }

  async #receive(): Promise<void> {
    this.#isReceiving = true;
    const buffer = new Uint8Array(bufferBytes);
    while (!this.#isClosed && !this.#error && this.#received.length < maxQueued) {
      try {
        const [bytes, source] = await this.#connection.receive(buffer) as [
          Uint8Array<ArrayBuffer>,
          Deno.NetAddr,
        ];
        if (this.#isClosed || isMapped(source) || !this.#accepts(source)) continue;
        const datagram = { data: bytes.slice(), "remote-address": fromEndpoint(source) };
        if (!this.#isWanted(datagram)) continue;
        this.#received.push(datagram);
      } catch (error) {
        this.#error = errorCodeOf(error);
      }
      this.#waiters.notify();
    }
    this.#isReceiving = false;
  }
}
