import type { Value } from "../../../component/abi/codec.ts";
import type { HostPromise } from "../../../component/instance/host.ts";
import type { IncomingDatagrams, OutgoingDatagrams } from "../../p2/sockets/datagram_streams.ts";
import type { IncomingDatagram } from "../../p2/sockets/datagram_queue.ts";
import {
  type IpFamily,
  type IpSocketAddress,
  isLoopback,
} from "../../p2/sockets/socket_address.ts";
import type { SocketContext } from "../../p2/sockets/socket_context.ts";
import { getHopLimit, setHopLimit, setPositive } from "../../p2/sockets/socket_options.ts";
import { UdpSocket } from "../../p2/sockets/udp_socket.ts";
import { ok, type P2Interface } from "../../p2/state.ts";
import { anyAddress, loopbackAddress } from "./implicit_address.ts";
import { failed, isError, resultOf, valueOf } from "./socket_results.ts";

/** The resource `udp-socket` of 0.3: a socket of 0.2 that keeps its streams. */
export class P3UdpSocket {
  readonly socket: UdpSocket;
  readonly #context: SocketContext;
  #streams: readonly [IncomingDatagrams, OutgoingDatagrams] | undefined;
  #isConnected = false;

  constructor(socket: UdpSocket, context: SocketContext) {
    this.socket = socket;
    this.#context = context;
  }

  bind(address: IpSocketAddress): Value {
    for (
      const step of [
        () => this.socket.startBind(address),
        () => this.socket.finishBind(),
        () => this.#stream(undefined),
      ]
    ) {
      const result = step();
      if (isError(result)) return resultOf(result);
    }
    return ok();
  }

  connect(remote: IpSocketAddress): Value {
    const bound = this.#bindImplicitly(remote);
    if (bound) return bound;
    const result = this.#stream(remote);
    this.#isConnected = !isError(result);
    return resultOf(result);
  }

  disconnect(): Value {
    if (!this.#isConnected) return failed("invalid-state");
    this.#isConnected = false;
    return resultOf(this.#stream(undefined));
  }

  async send(data: Uint8Array, remote: IpSocketAddress | undefined): Promise<Value> {
    if (!remote && !this.#isConnected) return failed("invalid-argument");
    const bound = this.#bindImplicitly();
    if (bound) return bound;
    const outgoing = this.#streams?.[1];
    if (!outgoing) return failed("invalid-state");
    outgoing.checkSend();
    const result = await outgoing.send([{ data, "remote-address": remote }]);
    return valueOf(result) === undefined ? resultOf(result) : ok();
  }

  receive(): Value | HostPromise {
    const received = this.#take();
    if (received) return received;
    const { pending } = this.#context;
    const { promise, resolve } = Promise.withResolvers<Value>();
    let stop = () => {};
    // The next datagram is for another call then.
    const cancel = () => {
      pending.delete(cancel);
      stop();
    };
    const finish = (result: Value) => {
      pending.delete(cancel);
      resolve(result);
    };
    const wait = (): void => {
      const incoming = this.#streams?.[0];
      if (!incoming) return finish(failed("invalid-state"));
      stop = incoming.whenReady(() => {
        const received = this.#take();
        if (received) finish(received);
        else wait();
      });
    };
    pending.add(cancel);
    wait();
    return Object.assign(promise, { cancel });
  }

  /** Returns the result of a receive, or undefined if it has to wait. */
  #take(): Value {
    const incoming = this.#streams?.[0];
    if (!incoming) return failed("invalid-state");
    const result = incoming.receive(1n);
    const received = valueOf<readonly IncomingDatagram[]>(result);
    if (!received) return resultOf(result);
    const [first] = received;
    return first && ok([first.data, first["remote-address"]]);
  }

  drop(): void {
    for (const stream of this.#streams ?? []) stream.drop();
    this.socket.drop();
  }

  /**
   * Binds a socket that is not bound. Returns the error if that fails.
   *
   * @param remote the peer that it is for: one on loopback is reached from loopback.
   */
  #bindImplicitly(remote?: IpSocketAddress): Value {
    if (this.#streams) return undefined;
    const local = remote && isLoopback(remote)
      ? loopbackAddress(this.socket.family)
      : anyAddress(this.socket.family);
    const bound = this.bind(local);
    return isError(bound) ? bound : undefined;
  }

  #stream(remote: IpSocketAddress | undefined): Value {
    const before = this.#streams;
    const result = this.socket.stream(remote);
    const streams = valueOf<[IncomingDatagrams, OutgoingDatagrams]>(result);
    if (!streams) return result;
    this.#streams = streams;
    for (const stream of before ?? []) stream.drop();
    return ok();
  }
}

/** The functions of `udp-socket` in `wasi:sockets/types`. */
export function udpFunctions(context: SocketContext): P2Interface["functions"] {
  return {
    // create: static func(address-family: ip-address-family) -> result<udp-socket, error-code>
    "[static]udp-socket.create": (family: IpFamily) => {
      const socket = UdpSocket.create(context, family);
      return socket ? ok(new P3UdpSocket(socket, context)) : failed("new-socket-limit");
    },
    // bind: func(local-address: ip-socket-address) -> result<_, error-code>
    "[method]udp-socket.bind": (self: P3UdpSocket, address: IpSocketAddress) => self.bind(address),
    // connect: func(remote-address: ip-socket-address) -> result<_, error-code>
    "[method]udp-socket.connect": (self: P3UdpSocket, address: IpSocketAddress) =>
      self.connect(address),
    // disconnect: func() -> result<_, error-code>
    "[method]udp-socket.disconnect": (self: P3UdpSocket) => self.disconnect(),
    // send: async func(data: list<u8>, remote-address: option<ip-socket-address>)
    //   -> result<_, error-code>
    "[method]udp-socket.send": (self: P3UdpSocket, data: Uint8Array, remote?: IpSocketAddress) =>
      self.send(data, remote),
    // receive: async func() -> result<tuple<list<u8>, ip-socket-address>, error-code>
    "[method]udp-socket.receive": (self: P3UdpSocket) => self.receive(),
    // get-local-address: func() -> result<ip-socket-address, error-code>
    "[method]udp-socket.get-local-address": (self: P3UdpSocket) =>
      resultOf(self.socket.localAddress()),
    // get-remote-address: func() -> result<ip-socket-address, error-code>
    "[method]udp-socket.get-remote-address": (self: P3UdpSocket) =>
      resultOf(self.socket.remoteAddress()),
    // get-address-family: func() -> ip-address-family
    "[method]udp-socket.get-address-family": (self: P3UdpSocket) => self.socket.family,
    // get-unicast-hop-limit: func() -> result<u8, error-code>
    "[method]udp-socket.get-unicast-hop-limit": getHopLimit,
    // set-unicast-hop-limit: func(value: u8) -> result<_, error-code>
    "[method]udp-socket.set-unicast-hop-limit": (_: P3UdpSocket, value: number) =>
      resultOf(setHopLimit(value)),
    // get-receive-buffer-size: func() -> result<u64, error-code>
    "[method]udp-socket.get-receive-buffer-size": ({ socket }: P3UdpSocket) =>
      ok(socket.options.receiveBufferSize),
    // set-receive-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]udp-socket.set-receive-buffer-size": ({ socket }: P3UdpSocket, value: bigint) =>
      resultOf(setPositive(socket.options, "receiveBufferSize", value)),
    // get-send-buffer-size: func() -> result<u64, error-code>
    "[method]udp-socket.get-send-buffer-size": ({ socket }: P3UdpSocket) =>
      ok(socket.options.sendBufferSize),
    // set-send-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]udp-socket.set-send-buffer-size": ({ socket }: P3UdpSocket, value: bigint) =>
      resultOf(setPositive(socket.options, "sendBufferSize", value)),
  };
}
