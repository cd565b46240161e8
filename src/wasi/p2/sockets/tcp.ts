import { err, ok, type P2Interface } from "../state.ts";
import type { IpSocketAddress } from "./socket_address.ts";
import { getHopLimit, setHopLimit, setPositive } from "./socket_options.ts";
import type { TcpSocket } from "./tcp_socket.ts";

/** `wasi:sockets/tcp` */
export const tcpInterface: P2Interface = {
  functions: {
    // start-bind: func(network: borrow<network>, local-address: ip-socket-address)
    //   -> result<_, error-code>
    "[method]tcp-socket.start-bind": (self: TcpSocket, _: object, address: IpSocketAddress) =>
      self.startBind(address),
    // finish-bind: func() -> result<_, error-code>
    "[method]tcp-socket.finish-bind": (self: TcpSocket) => self.finishBind(),
    // start-connect: func(network: borrow<network>, remote-address: ip-socket-address)
    //   -> result<_, error-code>
    "[method]tcp-socket.start-connect": (self: TcpSocket, _: object, address: IpSocketAddress) =>
      self.startConnect(address),
    // finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>
    "[method]tcp-socket.finish-connect": (self: TcpSocket) => self.finishConnect(),
    // start-listen: func() -> result<_, error-code>
    "[method]tcp-socket.start-listen": (self: TcpSocket) => self.startListen(),
    // finish-listen: func() -> result<_, error-code>
    "[method]tcp-socket.finish-listen": (self: TcpSocket) => self.finishListen(),
    // accept: func() -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>
    "[method]tcp-socket.accept": (self: TcpSocket) => self.accept(),
    // local-address: func() -> result<ip-socket-address, error-code>
    "[method]tcp-socket.local-address": (self: TcpSocket) => self.localAddress(),
    // remote-address: func() -> result<ip-socket-address, error-code>
    "[method]tcp-socket.remote-address": (self: TcpSocket) => self.remoteAddress(),
    // is-listening: func() -> bool
    "[method]tcp-socket.is-listening": (self: TcpSocket) => self.kind === "listening",
    // address-family: func() -> ip-address-family
    "[method]tcp-socket.address-family": (self: TcpSocket) => self.family,
    // set-listen-backlog-size: func(value: u64) -> result<_, error-code>
    "[method]tcp-socket.set-listen-backlog-size": (self: TcpSocket, value: bigint) => {
      if (value === 0n) return err("invalid-argument");
      const { kind } = self;
      return kind === "connect-in-progress" || kind === "connected" ? err("invalid-state") : ok();
    },
    // keep-alive-enabled: func() -> result<bool, error-code>
    "[method]tcp-socket.keep-alive-enabled": ({ options }: TcpSocket) =>
      ok(options.keepAliveEnabled),
    // set-keep-alive-enabled: func(value: bool) -> result<_, error-code>
    "[method]tcp-socket.set-keep-alive-enabled": (self: TcpSocket, value: boolean) =>
      self.setKeepAlive(value),
    // keep-alive-idle-time: func() -> result<duration, error-code>
    "[method]tcp-socket.keep-alive-idle-time": ({ options }: TcpSocket) =>
      ok(options.keepAliveIdleTime),
    // set-keep-alive-idle-time: func(value: duration) -> result<_, error-code>
    "[method]tcp-socket.set-keep-alive-idle-time": ({ options }: TcpSocket, value: bigint) =>
      setPositive(options, "keepAliveIdleTime", value),
    // keep-alive-interval: func() -> result<duration, error-code>
    "[method]tcp-socket.keep-alive-interval": ({ options }: TcpSocket) =>
      ok(options.keepAliveInterval),
    // set-keep-alive-interval: func(value: duration) -> result<_, error-code>
    "[method]tcp-socket.set-keep-alive-interval": ({ options }: TcpSocket, value: bigint) =>
      setPositive(options, "keepAliveInterval", value),
    // keep-alive-count: func() -> result<u32, error-code>
    "[method]tcp-socket.keep-alive-count": ({ options }: TcpSocket) => ok(options.keepAliveCount),
    // set-keep-alive-count: func(value: u32) -> result<_, error-code>
    "[method]tcp-socket.set-keep-alive-count": ({ options }: TcpSocket, value: number) =>
      setPositive(options, "keepAliveCount", value),
    // hop-limit: func() -> result<u8, error-code>
    "[method]tcp-socket.hop-limit": getHopLimit,
    // set-hop-limit: func(value: u8) -> result<_, error-code>
    "[method]tcp-socket.set-hop-limit": (_: TcpSocket, value: number) => setHopLimit(value),
    // receive-buffer-size: func() -> result<u64, error-code>
    "[method]tcp-socket.receive-buffer-size": ({ options }: TcpSocket) =>
      ok(options.receiveBufferSize),
    // set-receive-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]tcp-socket.set-receive-buffer-size": ({ options }: TcpSocket, value: bigint) =>
      setPositive(options, "receiveBufferSize", value),
    // send-buffer-size: func() -> result<u64, error-code>
    "[method]tcp-socket.send-buffer-size": ({ options }: TcpSocket) => ok(options.sendBufferSize),
    // set-send-buffer-size: func(value: u64) -> result<_, error-code>
    "[method]tcp-socket.set-send-buffer-size": ({ options }: TcpSocket, value: bigint) =>
      setPositive(options, "sendBufferSize", value),
    // subscribe: func() -> pollable
    "[method]tcp-socket.subscribe": (self: TcpSocket) => self,
    // shutdown: func(shutdown-type: shutdown-type) -> result<_, error-code>
    "[method]tcp-socket.shutdown": (self: TcpSocket, how: "receive" | "send" | "both") =>
      self.shutdown(how),
  },
  drops: { "tcp-socket": (rep: TcpSocket) => rep.drop() },
};
