import { err, ok, type P2Interface } from "../state.ts";
import type { IpFamily } from "./socket_address.ts";
import type { SocketContext } from "./socket_context.ts";
import { UdpSocket } from "./udp_socket.ts";

/** `wasi:sockets/udp-create-socket` */
export function udpCreateSocketInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // create-udp-socket: func(address-family: ip-address-family)
      //   -> result<udp-socket, error-code>
      "create-udp-socket": (family: IpFamily) => {
        if (context.grant.isEmpty) return err("access-denied");
        const socket = UdpSocket.create(context, family);
        return socket ? ok(socket) : err("new-socket-limit");
      },
    },
  };
}
