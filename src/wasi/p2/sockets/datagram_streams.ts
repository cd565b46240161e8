import type { Value } from "../../../component/abi/codec.ts";
import { trap } from "../../../component/abi/context.ts";
import { ready } from "../poll.ts";
import { err, ok } from "../state.ts";
import type { Pollable } from "../stream_types.ts";
import type { DatagramQueue } from "./datagram_queue.ts";
import {
  type IpFamily,
  type IpSocketAddress,
  isSameAddress,
  refusedAddress,
  toEndpoint,
} from "./socket_address.ts";
import { errorCodeOf, type SocketErrorCode } from "./socket_error.ts";
import type { SocketGrant } from "./socket_grant.ts";

/** Most datagrams that one call sends. */
const maxSent = 16;

/** The record `outgoing-datagram`. */
export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly "remote-address": IpSocketAddress | undefined;
}

/** The resource `incoming-datagram-stream`. */
export class IncomingDatagrams implements Pollable {
  readonly #queue: DatagramQueue;
  readonly #onDrop: () => void;
  #isEnded = false;

  /** @param onDrop called when the guest drops the stream. */
  constructor(queue: DatagramQueue, onDrop: () => void) {
    this.#queue = queue;
    this.#onDrop = onDrop;
  }

  receive(maxResults: bigint): Value {
    if (this.#isEnded) return err("invalid-state");
    if (maxResults === 0n) return ok([]);
    const taken = this.#queue.take(maxResults > 0xffffn ? 0xffff : Number(maxResults));
    return typeof taken === "string" ? err(taken) : ok(taken as Value);
  }

  isReady(): boolean {
    return this.#isEnded || this.#queue.isReady();
  }

  whenReady(listener: () => void): () => void {
    return this.#queue.whenReady(listener);
  }

  /** Called when the socket has newer streams, or none. */
  end(): void {
    this.#isEnded = true;
  }

  drop(): void {
    this.end();
    this.#onDrop();
  }
}

/** The resource `outgoing-datagram-stream`. */
export class OutgoingDatagrams implements Pollable {
  readonly #queue: DatagramQueue;
  readonly #family: IpFamily;
  readonly #remote: IpSocketAddress | undefined;
  readonly #grant: SocketGrant;
  readonly #onDrop: () => void;
  #permitted = 0;
  #isEnded = false;

  /** @param onDrop called when the guest drops the stream. */
  constructor(
    queue: DatagramQueue,
    { family, remote, grant, onDrop }: {
      readonly family: IpFamily;
      /** The only peer; undefined if every datagram names its own. */
      readonly remote: IpSocketAddress | undefined;
      readonly grant: SocketGrant;
      readonly onDrop: () => void;
    },
  ) {
    this.#queue = queue;
    this.#family = family;
    this.#remote = remote;
    this.#grant = grant;
    this.#onDrop = onDrop;
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  checkSend(): Value {
    if (this.#isEnded) return err("invalid-state");
    this.#permitted = maxSent;
    return ok(BigInt(maxSent));
  }

  /** Sends the datagrams up to the first error, which it returns if none was sent. */
  async send(datagrams: readonly OutgoingDatagram[]): Promise<Value> {
    if (this.#isEnded) return err("invalid-state");
    if (datagrams.length > this.#permitted) {
      throw trap("send of more datagrams than check-send permitted");
    }
    this.#permitted = 0;
    let sent = 0n;
    for (const datagram of datagrams) {
      const error = await this.#send(datagram);
      if (error) return sent > 0n ? ok(sent) : err(error);
      sent++;
    }
    return ok(sent);
  }

  /** Called when the socket has newer streams, or none. */
  end(): void {
    this.#isEnded = true;
  }

  drop(): void {
    this.end();
    this.#onDrop();
  }

  async #send(
    { data, "remote-address": given }: OutgoingDatagram,
  ): Promise<SocketErrorCode | undefined> {
    const remote = given ?? this.#remote;
    if (!remote) return "invalid-argument";
    if (this.#remote && !isSameAddress(remote, this.#remote)) return "invalid-argument";
    const refused = refusedAddress(remote, this.#family, "udp-remote");
    if (refused) return refused;
    const endpoint = toEndpoint(remote);
    if (!this.#grant.mayReach(endpoint)) return "access-denied";
    try {
      await this.#queue.send(data, endpoint);
      return undefined;
    } catch (error) {
      return errorCodeOf(error);
    }
  }
}
