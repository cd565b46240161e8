import type { P2Interface } from "../state.ts";
import type { IoError } from "../stream_end.ts";
import { SocketFailure } from "./socket_error.ts";

/** `wasi:sockets/network` */
export const networkInterface: P2Interface = {
  functions: {
    // network-error-code: func(err: borrow<error>) -> option<error-code>
    "network-error-code": ({ cause }: IoError) =>
      cause instanceof SocketFailure ? cause.code : undefined,
  },
};

/** The only network: grants are checked for each address. */
const network = {};

/** `wasi:sockets/instance-network` */
export const instanceNetworkInterface: P2Interface = {
  functions: {
    // instance-network: func() -> network
    "instance-network": () => network,
  },
};
