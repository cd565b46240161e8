import { err, ok, type P2Interface } from "../state.ts";
import type { IpFamily } from "./socket_address.ts";
import type { SocketContext } from "./socket_context.ts";
import { TcpSocket } from "./tcp_socket.ts";

/** `wasi:sockets/tcp-create-socket` */
export function tcpCreateSocketInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // create-tcp-socket: func(address-family: ip-address-family)
      //   -> result<tcp-socket, error-code>
      "create-tcp-socket": (family: IpFamily) => {
        if (context.grant.isEmpty) return err("access-denied");
        const socket = TcpSocket.create(context, family);
        return socket ? ok(socket) : err("new-socket-limit");
      },
    },
  };
}
