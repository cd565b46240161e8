import type { Value } from "../../../component/abi/codec.ts";
import type { SharedStream } from "../../../component/async/shared_copies.ts";
import type { HostTasks } from "../../../component/instance/host.ts";
import { anyReady } from "../../p2/poll.ts";
import type { IpFamily, IpSocketAddress } from "../../p2/sockets/socket_address.ts";
import type { SocketContext } from "../../p2/sockets/socket_context.ts";
import { tcpInterface as tcpOf02 } from "../../p2/sockets/tcp.ts";
import { TcpSocket } from "../../p2/sockets/tcp_socket.ts";
import type { TcpInput, TcpOutput } from "../../p2/sockets/tcp_streams.ts";
import { ok, type P2Interface } from "../../p2/state.ts";
import { StreamEnd } from "../../p2/stream_end.ts";
import {
  drainInto,
  emptyStream,
  hostFuture,
  resolvedFuture,
  streamFrom,
  streamOnDemand,
  type ValueInput,
} from "../copies.ts";
import { endOf, failed, isError, resultOf, valueOf } from "./socket_results.ts";
import { anyAddress } from "./implicit_address.ts";

/** The resource `tcp-socket` of 0.3: a socket of 0.2 that keeps its streams. */
export class P3TcpSocket {
  readonly socket: TcpSocket;
  readonly #context: SocketContext;
  readonly #tasks: HostTasks;
  #input: TcpInput | undefined;
  #output: TcpOutput | undefined;
  /** The guest and the stream of connections; the socket is closed when neither uses it. */
  readonly #users = new Set(["guest"]);

  constructor(
    socket: TcpSocket,
    { context, tasks }: { context: SocketContext; tasks: HostTasks },
    streams: readonly [TcpInput?, TcpOutput?] = [],
  ) {
    this.socket = socket;
    this.#context = context;
    this.#tasks = tasks;
    [this.#input, this.#output] = streams;
  }

  bind(address: IpSocketAddress): Value {
    const started = this.socket.startBind(address);
    return resultOf(isError(started) ? started : this.socket.finishBind());
  }

  connect(address: IpSocketAddress): Value | Promise<Value> {
    const { socket } = this;
    const started = socket.startConnect(address);
    if (isError(started)) return resultOf(started);
    return anyReady(this.#context, [socket]).then(() => {
      const result = socket.finishConnect();
      const streams = valueOf<[TcpInput, TcpOutput]>(result);
      if (!streams) return resultOf(result);
      [this.#input, this.#output] = streams;
      return ok();
    });
  }

  listen(): Value {
    const { socket } = this;
    if (socket.kind === "unbound") {
      const bound = this.bind(anyAddress(socket.family));
      if (isError(bound)) return bound;
    }
    for (const step of [() => socket.startListen(), () => socket.finishListen()]) {
      const result = step();
      if (isError(result)) return resultOf(result);
    }
    this.#users.add("connections");
    return ok(streamOnDemand(this.#tasks, this.#connections()));
  }

  /** The connections of a listening socket. They wait in the system while there is no room. */
  #connections(): ValueInput {
    const { socket } = this;
    const { open } = this.#context;
    const parts = { context: this.#context, tasks: this.#tasks };
    return {
      isReady: () => !open.isFull && socket.isReady(),
      whenReady: (listener) => open.isFull ? open.whenFree(listener) : socket.whenReady(listener),
      take: () => {
        if (open.isFull) return undefined;
        const result = socket.accept();
        const accepted = valueOf<[TcpSocket, TcpInput, TcpOutput]>(result);
        if (accepted) return new P3TcpSocket(accepted[0], parts, [accepted[1], accepted[2]]);
        if (skipped.has((result as { value: string }).value)) return undefined;
        throw new StreamEnd();
      },
      close: (unread) => {
        (unread as P3TcpSocket | undefined)?.drop();
        this.#release("connections");
      },
    };
  }

  send(data: SharedStream): Value {
    const output = this.#output;
    this.#output = undefined;
    if (!output) {
      data.drop();
      return resolvedFuture(failed("invalid-state"));
    }
    const { future, resolve } = hostFuture();
    drainInto(this.#tasks, data, output, (end) => {
      output.shutdown();
      if (end) {
        output.close();
        return resolve(end.error ? endOf(end.error) : failed("connection-broken"));
      }
      this.#tasks.add(output.sent, () => {
        output.close();
        resolve(ok());
      });
    });
    return future;
  }

  receive(): Value {
    const input = this.#input;
    this.#input = undefined;
    if (!input) return [emptyStream(), resolvedFuture(failed("invalid-state"))];
    const { future, resolve } = hostFuture();
    return [streamFrom(this.#tasks, input, (error) => resolve(endOf(error))), future];
  }

  drop(): void {
    this.#input?.close();
    this.#output?.close();
    this.#release("guest");
  }

  #release(user: string): void {
    if (this.#users.delete(user) && this.#users.size === 0) this.socket.drop();
  }
}

/** Results of an accept after which the next one may succeed. */
const skipped: ReadonlySet<string> = new Set(
  ["would-block", "connection-aborted", "connection-reset", "remote-unreachable", "timeout"],
);

/** Functions of 0.2 that 0.3 has with `get-` before their names, or unchanged. */
const kept = /^\[method\]tcp-socket\.(?:set-(.*)|(.*))$/;

/** The functions of `tcp-socket` in `wasi:sockets/types`. */
export function tcpFunctions(context: SocketContext, tasks: HostTasks): P2Interface["functions"] {
  const properties = Object.entries(tcpOf02.functions).flatMap(([name, call]) => {
    const [, setter, getter = ""] = kept.exec(name) ?? [];
    if (setter === undefined && /^(?:start|finish)-|^(?:accept|subscribe|shutdown)$/.test(getter)) {
      return [];
    }
    const renamed = setter === undefined ? `get-${getter}` : `set-${setter}`;
    const isPlain = /^(?:is-listening|address-family)$/.test(getter);
    const converted = ({ socket }: P3TcpSocket, ...args: never[]) => {
      const result = (call as (...args: unknown[]) => Value)(socket, ...args);
      return isPlain ? result : resultOf(result);
    };
    return [[`[method]tcp-socket.${renamed}`, converted] as const];
  });
  return {
    ...Object.fromEntries(properties),
    // create: static func(address-family: ip-address-family) -> result<tcp-socket, error-code>
    "[static]tcp-socket.create": (family: IpFamily) => {
      const socket = TcpSocket.create(context, family);
      return socket ? ok(new P3TcpSocket(socket, { context, tasks })) : failed("new-socket-limit");
    },
    // bind: func(local-address: ip-socket-address) -> result<_, error-code>
    "[method]tcp-socket.bind": (self: P3TcpSocket, address: IpSocketAddress) => self.bind(address),
    // connect: async func(remote-address: ip-socket-address) -> result<_, error-code>
    "[method]tcp-socket.connect": (self: P3TcpSocket, address: IpSocketAddress) =>
      self.connect(address),
    // listen: func() -> result<stream<tcp-socket>, error-code>
    "[method]tcp-socket.listen": (self: P3TcpSocket) => self.listen(),
    // send: func(data: stream<u8>) -> future<result<_, error-code>>
    "[method]tcp-socket.send": (self: P3TcpSocket, data: SharedStream) => self.send(data),
    // receive: func() -> tuple<stream<u8>, future<result<_, error-code>>>
    "[method]tcp-socket.receive": (self: P3TcpSocket) => self.receive(),
  };
}
