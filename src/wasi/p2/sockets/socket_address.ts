import ipaddr from "ipaddr.js";
import type { SocketErrorCode } from "./socket_error.ts";

/** The enum `ip-address-family`. */
export type IpFamily = "ipv4" | "ipv6";

/** The variant `ip-address`: 4 bytes, or 8 groups of 16 bits. */
export interface IpAddress {
  readonly tag: IpFamily;
  readonly value: readonly number[];
}

/** The variant `ip-socket-address`. */
export type IpSocketAddress =
  | {
    readonly tag: "ipv4";
    readonly value: { readonly port: number; readonly address: readonly number[] };
  }
  | {
    readonly tag: "ipv6";
    readonly value: {
      readonly port: number;
      readonly address: readonly number[];
      readonly "flow-info": number;
      readonly "scope-id": number;
    };
  };

/** An address as Deno takes it, with a host name such as `127.0.0.1` or `::1`. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** Parses an address without brackets; undefined for other text. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const parsed = ipaddr.parse(text);
  return parsed instanceof ipaddr.IPv4
    ? { tag: "ipv4", value: parsed.octets }
    : { tag: "ipv6", value: parsed.parts };
}

/** Returns an address as text: `[127, 0, 0, 1]` → `127.0.0.1`. */
function formatIpAddress({ tag, value }: IpAddress): string {
  if (tag === "ipv4") return value.join(".");
  return new ipaddr.IPv6([...value]).toString();
}

/** Returns the address as an endpoint. */
export function toEndpoint({ tag, value: { address, port } }: IpSocketAddress): Endpoint {
  return { hostname: formatIpAddress({ tag, value: address }), port };
}

/** Returns an endpoint as an address. @throws Error if its host name is not an address. */
export function fromEndpoint({ hostname, port }: Endpoint): IpSocketAddress {
  const parsed = parseIpAddress(hostname);
  if (!parsed) throw new Error(`${hostname} is not an IP address`);
  const { tag, value: address } = parsed;
  return tag === "ipv4"
    ? { tag, value: { port, address } }
    : { tag, value: { port, address, "flow-info": 0, "scope-id": 0 } };
}

/** Reports whether it is an IPv4-mapped IPv6 address: sockets of IPv6 have no IPv4 peers. */
export function isMapped({ hostname }: Endpoint): boolean {
  const parsed = ipaddr.parse(hostname);
  return parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress();
}

/** Reports whether two addresses are equal, apart from their flow info. */
export function isSameAddress(one: IpSocketAddress, other: IpSocketAddress): boolean {
  return one.tag === other.tag && one.value.port === other.value.port &&
    one.value.address.every((part, index) => part === other.value.address[index]);
}

/**
 * Returns the error of an address for a socket of this family, or undefined.
 *
 * @param use `tcp-bind` and `tcp-connect` need a unicast address; a remote one has a port and is
 * not the unspecified address.
 */
export function refusedAddress(
  address: IpSocketAddress,
  family: IpFamily,
  use: "tcp-bind" | "tcp-connect" | "udp-bind" | "udp-remote",
): SocketErrorCode | undefined {
  if (address.tag !== family) return "invalid-argument";
  const endpoint = toEndpoint(address);
  if (isMapped(endpoint)) return "invalid-argument";
  const range = ipaddr.parse(endpoint.hostname).range();
  if (use.startsWith("tcp") && (range === "multicast" || range === "broadcast")) {
    return "invalid-argument";
  }
  const isRemote = use === "tcp-connect" || use === "udp-remote";
  if (isRemote && (endpoint.port === 0 || isUnspecified(address))) return "invalid-argument";
  // Deno's addresses have no zone.
  if (address.tag === "ipv6" && address.value["scope-id"] !== 0) return "not-supported";
  return undefined;
}

/**
 * Reports whether the system may choose this source for a connection. Deno cannot connect from a
 * bound socket, so other sources are not possible.
 */
export function isDefaultSource(local: IpSocketAddress, remote: IpSocketAddress): boolean {
  if (local.value.port !== 0) return false;
  return isUnspecified(local) || (isLocalhost(local) && isLoopback(remote));
}

/** Reports whether an address is one of loopback. */
export function isLoopback(address: IpSocketAddress): boolean {
  return ipaddr.parse(toEndpoint(address).hostname).range() === "loopback";
}

/** Reports whether it is the address from which the system connects to loopback. */
function isLocalhost(address: IpSocketAddress): boolean {
  return ["127.0.0.1", "::1"].includes(toEndpoint(address).hostname);
}

/** Reports whether all bits of the address are 0. */
function isUnspecified({ value: { address } }: IpSocketAddress): boolean {
  return address.every((part) => part === 0);
}
