import { resolveAddresses } from "../../p2/sockets/ip_name_lookup.ts";
import { OpenSockets } from "../../p2/sockets/open_sockets.ts";
import type { SocketContext } from "../../p2/sockets/socket_context.ts";
import { errorCodeOf } from "../../p2/sockets/socket_error.ts";
import type { SocketGrant } from "../../p2/sockets/socket_grant.ts";
import { ok, type P2Interface } from "../../p2/state.ts";
import type { P3Context } from "../context.ts";
import type { P3Maker } from "../interfaces.ts";
import { failed } from "./socket_results.ts";
import { type P3TcpSocket, tcpFunctions } from "./tcp.ts";
import { type P3UdpSocket, udpFunctions } from "./udp.ts";

/** Returns the interfaces of `wasi:sockets` for one guest, by name. */
export function socketInterfaces(grant: SocketGrant): Record<string, P3Maker> {
  let context: SocketContext | undefined;
  const contextOf = ({ state: { pending, beforeSideEffect } }: P3Context): SocketContext =>
    context ??= { grant, open: new OpenSockets(pending), pending, beforeSideEffect };
  return {
    "wasi:sockets/types": (given) => typesInterface(contextOf(given), given),
    "wasi:sockets/ip-name-lookup": (given) => nameLookupInterface(contextOf(given)),
  };
}

/** `wasi:sockets/types` */
function typesInterface(context: SocketContext, { tasks }: P3Context): P2Interface {
  return {
    functions: { ...tcpFunctions(context, tasks), ...udpFunctions(context) },
    drops: {
      "tcp-socket": (rep: P3TcpSocket) => rep.drop(),
      "udp-socket": (rep: P3UdpSocket) => rep.drop(),
    },
  };
}

/** `wasi:sockets/ip-name-lookup` */
function nameLookupInterface(context: SocketContext): P2Interface {
  return {
    functions: {
      // resolve-addresses: async func(name: string) -> result<list<ip-address>, error-code>
      "resolve-addresses": (name: string) => {
        const found = resolveAddresses(context, name);
        if (typeof found === "string") return failed(found);
        if (!(found instanceof Promise)) return ok(found);
        return found.then((addresses) => ok(addresses), (error) => failed(errorCodeOf(error)));
      },
    },
  };
}
