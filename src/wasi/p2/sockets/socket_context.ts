import type { P2State } from "../state.ts";
import type { OpenSockets } from "./open_sockets.ts";
import type { SocketGrant } from "./socket_grant.ts";

/** The shared parts of the sockets of one guest. */
export interface SocketContext extends Pick<P2State, "pending" | "beforeSideEffect"> {
  readonly grant: SocketGrant;
  readonly open: OpenSockets;
}
