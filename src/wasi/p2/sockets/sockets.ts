import type { InterfaceMaker } from "../host.ts";
import type { P2Interface, P2State } from "../state.ts";
import { tcpCreateSocketInterface, udpCreateSocketInterface } from "./create_socket.ts";
import { ipNameLookupInterface } from "./ip_name_lookup.ts";
import { instanceNetworkInterface, networkInterface } from "./network.ts";
import { OpenSockets } from "./open_sockets.ts";
import type { SocketContext } from "./socket_context.ts";
import type { SocketGrant } from "./socket_grant.ts";
import { tcpInterface } from "./tcp.ts";
import { udpInterface } from "./udp.ts";

const makers: Readonly<Record<string, (context: SocketContext) => P2Interface>> = {
  "wasi:sockets/network": () => networkInterface,
  "wasi:sockets/instance-network": () => instanceNetworkInterface,
  "wasi:sockets/tcp": () => tcpInterface,
  "wasi:sockets/tcp-create-socket": tcpCreateSocketInterface,
  "wasi:sockets/udp": () => udpInterface,
  "wasi:sockets/udp-create-socket": udpCreateSocketInterface,
  "wasi:sockets/ip-name-lookup": ipNameLookupInterface,
};

/** Returns the interfaces of `wasi:sockets` for one guest, by name. */
export function socketInterfaces(grant: SocketGrant): Record<string, InterfaceMaker> {
  let context: SocketContext | undefined;
  const contextOf = ({ pending, beforeSideEffect }: P2State): SocketContext =>
    context ??= { grant, open: new OpenSockets(pending), pending, beforeSideEffect };
  return Object.fromEntries(
    Object.entries(makers).map(([name, make]) => [name, (state) => make(contextOf(state))]),
  );
}
