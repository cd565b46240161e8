import assert from "node:assert/strict";
import type { Value } from "../../../../src/component/abi/codec.ts";
import { pollInterface } from "../../../../src/wasi/p2/poll.ts";
import type { P2Interface, P2State } from "../../../../src/wasi/p2/state.ts";
import type { Pollable } from "../../../../src/wasi/p2/stream_types.ts";
import { streamsInterface } from "../../../../src/wasi/p2/streams.ts";
import type {
  Endpoint,
  IpFamily,
  IpSocketAddress,
} from "../../../../src/wasi/p2/sockets/socket_address.ts";
import type { SocketGrant } from "../../../../src/wasi/p2/sockets/socket_grant.ts";
import { socketInterfaces } from "../../../../src/wasi/p2/sockets/sockets.ts";

/** Grants everything; its names are those of `resolve`. */
export const everything: SocketGrant = {
  isEmpty: false,
  mayReach: () => true,
  mayListen: () => true,
  mayResolve: () => true,
  resolve: () => Promise.resolve(["127.0.0.1"]),
  forget: () => {},
};

type Result = { readonly tag: "ok" | "error"; readonly value: Value };

/** `wasi:sockets` and the streams of one guest, called with lifted arguments. */
export class GuestSockets implements Disposable {
  readonly pending = new Set<() => void>();
  readonly #interfaces: Readonly<Record<string, P2Interface>>;

  constructor(grant: SocketGrant = everything) {
    const unused = () => {
      throw new Error("sockets need none of it");
    };
    const state: P2State = {
      args: [],
      env: [],
      stdin: unused,
      stdout: unused,
      stderr: unused,
      terminals: { stdin: false, stdout: false, stderr: false },
      clock: { monotonicNs: unused, realtimeNs: unused } as unknown as P2State["clock"],
      random: unused,
      pending: this.pending,
      assertInTime: () => {},
      beforeSideEffect: () => {},
    };
    this.#interfaces = {
      "wasi:io/poll": pollInterface(state),
      "wasi:io/streams": streamsInterface(state),
      ...Object.fromEntries(
        Object.entries(socketInterfaces(grant)).map(([name, make]) => [name, make(state)]),
      ),
    };
  }

  /** Calls a function, and returns what it returns. */
  call(interfaceName: string, name: string, ...args: unknown[]): Value | Promise<Value> {
    const func = this.#interfaces[`wasi:${interfaceName}`]?.functions[name];
    assert.ok(func, `${interfaceName} ${name}`);
    return (func as (...args: unknown[]) => Value | Promise<Value>)(...args);
  }

  /** Calls a function of `wasi:sockets` that returns a result; returns its value or error. */
  async tryCall(interfaceName: string, name: string, ...args: unknown[]): Promise<Value> {
    return (await this.call(`sockets/${interfaceName}`, name, ...args) as Result).value;
  }

  /** Calls a function of `wasi:sockets`, which must succeed. */
  async ok<T = Value>(interfaceName: string, name: string, ...args: unknown[]): Promise<T> {
    const { tag, value } = await this.call(`sockets/${interfaceName}`, name, ...args) as Result;
    assert.equal(tag, "ok", `${name}: ${value}`);
    return value as T;
  }

  /** Drops an owned handle. */
  drop(interfaceName: string, resource: string, rep: unknown): void {
    this.#interfaces[`wasi:${interfaceName}`]?.drops?.[resource]?.(rep as never);
  }

  async tcpSocket(family: IpFamily = "ipv4"): Promise<Pollable> {
    return await this.ok<Pollable>("tcp-create-socket", "create-tcp-socket", family);
  }

  async udpSocket(local: Endpoint = { hostname: "127.0.0.1", port: 0 }): Promise<object> {
    const socket = await this.ok<object>("udp-create-socket", "create-udp-socket", "ipv4");
    await this.ok("udp", "[method]udp-socket.start-bind", socket, {}, ipv4(local.port));
    await this.ok("udp", "[method]udp-socket.finish-bind", socket);
    return socket;
  }

  /** Waits until a pollable is ready. */
  async block(pollable: Pollable): Promise<void> {
    await this.call("io/poll", "poll", [pollable]);
  }

  /** Connects to a port of 127.0.0.1. */
  async connect(port: number): Promise<{ socket: Pollable; input: Pollable; output: Pollable }> {
    const socket = await this.tcpSocket();
    await this.ok("tcp", "[method]tcp-socket.start-connect", socket, {}, ipv4(port));
    await this.block(socket);
    const [input, output] = await this.ok<[Pollable, Pollable]>(
      "tcp",
      "[method]tcp-socket.finish-connect",
      socket,
    );
    return { socket, input, output };
  }

  /** Listens on a free port of 127.0.0.1. */
  async listen(): Promise<{ socket: Pollable; port: number }> {
    const socket = await this.tcpSocket();
    await this.ok("tcp", "[method]tcp-socket.start-bind", socket, {}, ipv4(0));
    for (const step of ["finish-bind", "start-listen", "finish-listen"]) {
      await this.ok("tcp", `[method]tcp-socket.${step}`, socket);
    }
    const local = await this.ok<IpSocketAddress>(
      "tcp",
      "[method]tcp-socket.local-address",
      socket,
    );
    return { socket, port: local.value.port };
  }

  /** Ends the call, as a reset of the instance does. */
  [Symbol.dispose](): void {
    for (const cancel of this.pending) cancel();
    this.pending.clear();
  }
}

/** Returns a port of 127.0.0.1 as an `ip-socket-address`. */
export function ipv4(port: number, address = [127, 0, 0, 1]): IpSocketAddress {
  return { tag: "ipv4", value: { port, address } };
}

/** Returns a port of an IPv6 address, given as 8 groups. */
export function ipv6(port: number, address = [0, 0, 0, 0, 0, 0, 0, 1]): IpSocketAddress {
  return { tag: "ipv6", value: { port, address, "flow-info": 0, "scope-id": 0 } };
}
