import type { Value } from "../../../component/abi/codec.ts";
import { err, ok } from "../state.ts";
import {
  type Endpoint,
  fromEndpoint,
  type IpFamily,
  type IpSocketAddress,
  refusedAddress,
  toEndpoint,
} from "./socket_address.ts";
import { errorCodeOf } from "./socket_error.ts";
import type { SocketContext } from "./socket_context.ts";
import { defaultOptions, type SocketOptions } from "./socket_options.ts";
import { DatagramQueue } from "./datagram_queue.ts";
import { IncomingDatagrams, OutgoingDatagrams } from "./datagram_streams.ts";

type State =
  | { readonly kind: "unbound" }
  | { readonly kind: "bind-in-progress"; readonly queue: DatagramQueue }
  | {
    readonly kind: "bound";
    readonly queue: DatagramQueue;
    /** The peer of the current streams. */
    readonly remote: IpSocketAddress | undefined;
    readonly endStreams: () => void;
  }
  | { readonly kind: "closed" };

/** The resource `udp-socket`. Its methods return `result` values. */
export class UdpSocket {
  readonly family: IpFamily;
  readonly options: SocketOptions = { ...defaultOptions };
  readonly #context: SocketContext;
  #state: State = { kind: "unbound" };
  /** The socket and its streams, as long as the guest has them. */
  readonly #users = new Set<object>([this]);
  /** Closes the socket and removes it from the count. */
  #end: () => void = () => {};

  private constructor(context: SocketContext, family: IpFamily) {
    this.#context = context;
    this.family = family;
  }

  /** Makes a socket; undefined if the instance has too many. */
  static create(context: SocketContext, family: IpFamily): UdpSocket | undefined {
    const socket = new UdpSocket(context, family);
    const end = context.open.add(() => socket.#close());
    if (!end) return undefined;
    socket.#end = end;
    return socket;
  }

  startBind(address: IpSocketAddress): Value {
    const { grant, beforeSideEffect } = this.#context;
    if (this.#state.kind === "bind-in-progress") return err("concurrency-conflict");
    if (this.#state.kind !== "unbound") return err("invalid-state");
    const refused = refusedAddress(address, this.family, "udp-bind");
    if (refused) return err(refused);
    const endpoint = toEndpoint(address);
    const isServer = grant.mayListen(endpoint);
    // A client has a port of the system's choice, and receives only from peers that it may reach.
    if (!isServer && endpoint.port !== 0) return err("access-denied");
    beforeSideEffect();
    try {
      const connection = Deno.listenDatagram({ ...endpoint, transport: "udp" });
      const accepts = (source: Endpoint) => isServer || grant.mayReach(source);
      this.#state = { kind: "bind-in-progress", queue: new DatagramQueue(connection, accepts) };
      return ok();
    } catch (error) {
      return err(errorCodeOf(error));
    }
  }

  finishBind(): Value {
    if (this.#state.kind !== "bind-in-progress") return err("not-in-progress");
    const { queue } = this.#state;
    this.#state = { kind: "bound", queue, remote: undefined, endStreams: () => {} };
    return ok();
  }

  stream(remote: IpSocketAddress | undefined): Value {
    if (this.#state.kind !== "bound") return err("invalid-state");
    const { queue, endStreams } = this.#state;
    const refused = remote && refusedAddress(remote, this.family, "udp-remote");
    if (refused) return err(refused);
    if (remote && !this.#context.grant.mayReach(toEndpoint(remote))) return err("access-denied");
    endStreams();
    queue.setRemote(remote);
    const incoming: IncomingDatagrams = new IncomingDatagrams(queue, () => this.#drop(incoming));
    const outgoing: OutgoingDatagrams = new OutgoingDatagrams(queue, {
      family: this.family,
      remote,
      grant: this.#context.grant,
      onDrop: () => this.#drop(outgoing),
    });
    this.#users.add(incoming).add(outgoing);
    this.#state = {
      kind: "bound",
      queue,
      remote,
      endStreams: () => {
        incoming.end();
        outgoing.end();
      },
    };
    return ok([incoming, outgoing]);
  }

  localAddress(): Value {
    return this.#state.kind === "bound"
      ? ok(fromEndpoint(this.#state.queue.localAddress))
      : err("invalid-state");
  }

  remoteAddress(): Value {
    const remote = this.#state.kind === "bound" ? this.#state.remote : undefined;
    return remote ? ok(remote) : err("invalid-state");
  }

  /** Called when the guest has dropped the socket; it is closed with its last stream. */
  drop(): void {
    this.#drop(this);
  }

  #drop(user: object): void {
    this.#users.delete(user);
    if (this.#users.size === 0) this.#end();
  }

  #close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "bound") state.endStreams();
    if (state.kind === "bind-in-progress" || state.kind === "bound") state.queue.close();
  }
}
