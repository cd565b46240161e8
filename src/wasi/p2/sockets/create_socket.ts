import type { Value } from "../../../component/abi/codec.ts";
import { err, ok, type P2Interface } from "../state.ts";
import type { IpFamily } from "./socket_address.ts";
import type { SocketContext } from "./socket_context.ts";
import { TcpSocket } from "./tcp_socket.ts";
import { UdpSocket } from "./udp_socket.ts";

/** `wasi:sockets/tcp-create-socket` */
export function tcpCreateSocketInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // create-tcp-socket: func(address-family: ip-address-family)
      //   -> result<tcp-socket, error-code>
      "create-tcp-socket": (family: IpFamily) => create(context, family, TcpSocket),
    },
  };
}

/** `wasi:sockets/udp-create-socket` */
export function udpCreateSocketInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // create-udp-socket: func(address-family: ip-address-family)
      //   -> result<udp-socket, error-code>
      "create-udp-socket": (family: IpFamily) => create(context, family, UdpSocket),
    },
  };
}

function create(
  context: SocketContext,
  family: IpFamily,
  kind: typeof TcpSocket | typeof UdpSocket,
): Value {
  if (context.grant.isEmpty) return err("access-denied");
  const socket = kind.create(context, family);
  return socket ? ok(socket) : err("new-socket-limit");
}
