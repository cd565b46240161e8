import type { IpFamily, IpSocketAddress } from "../../p2/sockets/socket_address.ts";

/** Returns the unspecified address of a family, with a port that the system chooses. */
export function anyAddress(family: IpFamily): IpSocketAddress {
  return addressOf(family, family === "ipv4" ? [0, 0, 0, 0] : [0, 0, 0, 0, 0, 0, 0, 0]);
}

/** Returns the loopback address of a family, with a port that the system chooses. */
export function loopbackAddress(family: IpFamily): IpSocketAddress {
  return addressOf(family, family === "ipv4" ? [127, 0, 0, 1] : [0, 0, 0, 0, 0, 0, 0, 1]);
}

function addressOf(family: IpFamily, address: readonly number[]): IpSocketAddress {
  const value = family === "ipv4"
    ? { port: 0, address }
    : { port: 0, address, "flow-info": 0, "scope-id": 0 };
  return { tag: family, value } as IpSocketAddress;
}
