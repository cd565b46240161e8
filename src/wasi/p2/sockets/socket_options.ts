import { err, ok } from "../state.ts";
import type { Value } from "../../../component/abi/codec.ts";

/** Options of a socket that are kept as values; see docs/components.md for their effect. */
export interface SocketOptions {
  keepAliveEnabled: boolean;
  /** Nanoseconds. */
  keepAliveIdleTime: bigint;
  /** Nanoseconds. */
  keepAliveInterval: bigint;
  keepAliveCount: number;
  receiveBufferSize: bigint;
  sendBufferSize: bigint;
}

/** The values of Linux. */
export const defaultOptions: Readonly<SocketOptions> = {
  keepAliveEnabled: false,
  keepAliveIdleTime: 7_200_000_000_000n,
  keepAliveInterval: 75_000_000_000n,
  keepAliveCount: 9,
  receiveBufferSize: 65_536n,
  sendBufferSize: 65_536n,
};

/** Hops of an outgoing packet, which Deno cannot change. */
const hopLimit = 64;

/** Sets an option that must not be 0, and returns the result. */
export function setPositive<Name extends keyof SocketOptions>(
  options: SocketOptions,
  name: Name,
  value: SocketOptions[Name],
): Value {
  if (Number(value) === 0) return err("invalid-argument");
  options[name] = value;
  return ok();
}

/** Returns the hop limit of every socket. */
export function getHopLimit(): Value {
  return ok(hopLimit);
}

/** Returns the result of setting the hop limit, which cannot change. */
export function setHopLimit(value: number): Value {
  return value === hopLimit ? ok() : err(value === 0 ? "invalid-argument" : "not-supported");
}
