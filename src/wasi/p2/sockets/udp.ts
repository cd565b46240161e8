import { ok, type P2Interface } from "../state.ts";
import { ready } from "../poll.ts";
import type { IncomingDatagrams, OutgoingDatagram, OutgoingDatagrams } from "./datagram_streams.ts";
import type { IpSocketAddress } from "./socket_address.ts";
import { getHopLimit, setHopLimit, setPositive } from "./socket_options.ts";
import type { UdpSocket } from "./udp_socket.ts";

/** `wasi:sockets/udp` */
export const udpInterface: P2Interface = {
  functions: {
    // start-bind: func(network: borrow<network>, local-address: ip-socket-address)
    //   -> result<_, error-code>
    "[method]udp-socket.start-bind": (self: UdpSocket, _: object, address: IpSocketAddress) =>
      self.startBind(address),
    // finish-bind: func() -> result<_, error-code>
    "[method]udp-socket.finish-bind": (self: UdpSocket) => self.finishBind(),
    // stream: func(remote-address: option<ip-socket-address>)
    //   -> result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>
    "[method]udp-socket.stream": (self: UdpSocket, remote: IpSocketAddress | undefined) =>
      self.stream(remote),
    // local-address: func() -> result<ip-socket-address, error-code>
    "[method]udp-socket.local-address": (self: UdpSocket) => self.localAddress(),
    // remote-address: func() -> result<ip-socket-address, error-code>
    "[method]udp-socket.remote-address": (self: UdpSocket) => self.remoteAddress(),
    // address-family: func() -> ip-address-family
    "[method]udp-socket.address-family": (self: UdpSocket) => self.family,
    // unicast-hop-limit: func() -> result<u8, error-code>
    "[method]udp-socket.unicast-hop-limit": getHopLimit,
    // set-unicast-hop-limit: func(value: u8) -> result<_, error-code>
    "[method]udp-socket.set-unicast-hop-limit": (_: UdpSocket, value: number) => setHopLimit(value),
    // receive-buffer-size: func() -> result<u64, error-code>
    "[method]udp-socket.receive-buffer-size": ({ options }: UdpSocket) =>
      ok(options.receiveBufferSize),
    // set-receive-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]udp-socket.set-receive-buffer-size": ({ options }: UdpSocket, value: bigint) =>
      setPositive(options, "receiveBufferSize", value),
    // send-buffer-size: func() -> result<u64, error-code>
    "[method]udp-socket.send-buffer-size": ({ options }: UdpSocket) => ok(options.sendBufferSize),
    // set-send-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]udp-socket.set-send-buffer-size": ({ options }: UdpSocket, value: bigint) =>
      setPositive(options, "sendBufferSize", value),
    // subscribe: func() -> pollable
    "[method]udp-socket.subscribe": () => ready,
    // receive: func(max-results: u64) -> result<list<incoming-datagram>, error-code>
    "[method]incoming-datagram-stream.receive": (self: IncomingDatagrams, maxResults: bigint) =>
      self.receive(maxResults),
    // subscribe: func() -> pollable
    "[method]incoming-datagram-stream.subscribe": (self: IncomingDatagrams) => self,
    // check-send: func() -> result<u64, error-code>
    "[method]outgoing-datagram-stream.check-send": (self: OutgoingDatagrams) => self.checkSend(),
    // send: func(datagrams: list<outgoing-datagram>) -> result<u64, error-code>
    "[method]outgoing-datagram-stream.send": (
      self: OutgoingDatagrams,
      datagrams: readonly OutgoingDatagram[],
    ) => self.send(datagrams),
    // subscribe: func() -> pollable
    "[method]outgoing-datagram-stream.subscribe": (self: OutgoingDatagrams) => self,
  },
  waits: ["[method]outgoing-datagram-stream.send"],
  drops: {
    "udp-socket": (rep: UdpSocket) => rep.drop(),
    "incoming-datagram-stream": (rep: IncomingDatagrams) => rep.drop(),
    "outgoing-datagram-stream": (rep: OutgoingDatagrams) => rep.drop(),
  },
};
