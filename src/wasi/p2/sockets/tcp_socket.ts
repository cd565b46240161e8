import type { Value } from "../../../component/abi/codec.ts";
import { err, ok } from "../state.ts";
import type { Pollable } from "../stream_types.ts";
import {
  fromEndpoint,
  type IpFamily,
  type IpSocketAddress,
  isDefaultSource,
  refusedAddress,
  toEndpoint,
} from "./socket_address.ts";
import { errorCodeOf } from "./socket_error.ts";
import type { SocketContext } from "./socket_context.ts";
import { defaultOptions, type SocketOptions } from "./socket_options.ts";
import { TcpConnection } from "./tcp_connection.ts";
import { TcpListener } from "./tcp_listener.ts";
import { nextTcpState, refusedStart, type TcpEvent, type TcpState } from "./tcp_state.ts";
import { Waiters } from "./waiters.ts";

type State = TcpState<TcpListener, TcpConnection>;
type Event = TcpEvent<TcpListener, TcpConnection>;

/** The resource `tcp-socket`. Its methods return `result` values. */
export class TcpSocket implements Pollable {
  readonly family: IpFamily;
  readonly options: SocketOptions;
  readonly #context: SocketContext;
  readonly #waiters = new Waiters();
  readonly #abort = new AbortController();
  #state: State = { kind: "unbound" };
  /** The address that the guest bound it to. */
  #bound: IpSocketAddress | undefined;
  /** Closes the socket and removes it from the count. */
  #end: () => void = () => {};

  private constructor(context: SocketContext, family: IpFamily, options: SocketOptions) {
    this.#context = context;
    this.family = family;
    this.options = { ...options };
  }

  /** Makes a socket; undefined if the instance has too many. */
  static create(
    context: SocketContext,
    family: IpFamily,
    options: SocketOptions = defaultOptions,
  ): TcpSocket | undefined {
    const socket = new TcpSocket(context, family, options);
    const end = context.open.add(() => socket.#close());
    if (!end) return undefined;
    socket.#end = end;
    return socket;
  }

  get kind(): State["kind"] {
    return this.#state.kind;
  }

  startBind(address: IpSocketAddress): Value {
    const { grant, beforeSideEffect } = this.#context;
    const refused = refusedStart(this.#state, "start-bind") ??
      refusedAddress(address, this.family, "tcp-bind");
    if (refused) return err(refused);
    const endpoint = toEndpoint(address);
    if (!grant.mayListen(endpoint)) return err("access-denied");
    beforeSideEffect();
    try {
      const listener = new TcpListener(Deno.listen({ ...endpoint, transport: "tcp" }));
      this.#bound = address;
      return this.#apply({ kind: "start-bind", listener });
    } catch (error) {
      return err(errorCodeOf(error));
    }
  }

  startConnect(address: IpSocketAddress): Value {
    const { grant, beforeSideEffect } = this.#context;
    const refused = refusedStart(this.#state, "start-connect") ??
      refusedAddress(address, this.family, "tcp-connect");
    if (refused) return err(refused);
    const endpoint = toEndpoint(address);
    if (this.#bound && !isDefaultSource(this.#bound, address)) return err("not-supported");
    if (!grant.mayReach(endpoint)) return err("access-denied");
    beforeSideEffect();
    if (this.#state.kind === "bound") this.#state.listener.close();
    const { signal } = this.#abort;
    Deno.connect({ ...endpoint, transport: "tcp", autoSelectFamily: false, signal }).then(
      (connection) => this.#connected(connection),
      (error) => {
        const code = errorCodeOf(error);
        this.#ended({
          kind: "failed",
          // Without a free port the system has no address to connect from.
          error: code === "address-not-bindable" ? "address-in-use" : code,
        });
      },
    );
    return this.#apply({ kind: "start-connect" });
  }

  finishBind(): Value {
    return this.#apply({ kind: "finish-bind" });
  }

  startListen(): Value {
    return this.#apply({ kind: "start-listen" });
  }

  finishListen(): Value {
    return this.#apply({ kind: "finish-listen" });
  }

  finishConnect(): Value {
    const result = this.#apply({ kind: "finish-connect" });
    if (this.#state.kind !== "connected" || (result as { tag: string }).tag === "error") {
      return result;
    }
    const { input, output } = this.#state.connection;
    return ok([input, output]);
  }

  accept(): Value {
    if (this.#state.kind !== "listening") return err("invalid-state");
    const { listener } = this.#state;
    if (!listener.isReady()) return err("would-block");
    const socket = TcpSocket.create(this.#context, this.family, this.options);
    // The connection waits until there is room.
    if (!socket) return err("new-socket-limit");
    const accepted = listener.take();
    if (!accepted || "error" in accepted) {
      socket.#end();
      return err(accepted?.error ?? "would-block");
    }
    const connection = socket.#adopt(accepted.connection);
    return ok([socket, connection.input, connection.output]);
  }

  localAddress(): Value {
    switch (this.#state.kind) {
      case "bound":
      case "listen-in-progress":
      case "listening":
        return ok(fromEndpoint(this.#state.listener.localAddress));
      case "connected":
        return ok(fromEndpoint(this.#state.connection.localAddress));
      default:
        return err("invalid-state");
    }
  }

  remoteAddress(): Value {
    return this.#state.kind === "connected"
      ? ok(fromEndpoint(this.#state.connection.remoteAddress))
      : err("invalid-state");
  }

  setKeepAlive(isEnabled: boolean): Value {
    this.options.keepAliveEnabled = isEnabled;
    if (this.#state.kind === "connected") this.#state.connection.setKeepAlive(isEnabled);
    return ok();
  }

  shutdown(how: "receive" | "send" | "both"): Value {
    if (this.#state.kind !== "connected") return err("invalid-state");
    const { input, output } = this.#state.connection;
    if (how !== "send") input.shutdown();
    if (how !== "receive") output.shutdown();
    return ok();
  }

  isReady(): boolean {
    switch (this.#state.kind) {
      case "listening":
        return this.#state.listener.isReady();
      case "connect-in-progress":
        return this.#state.outcome !== undefined;
      default:
        return true;
    }
  }

  whenReady(listener: () => void): () => void {
    return this.#state.kind === "listening"
      ? this.#state.listener.whenReady(listener)
      : this.#waiters.wait(this, listener);
  }

  /** Called when the guest has dropped the socket; its streams keep the connection open. */
  drop(): void {
    if (this.#state.kind === "connected") this.#state.connection.dropSocket();
    else this.#end();
  }

  #apply(event: Event): Value {
    const { state, error } = nextTcpState(this.#state, event);
    this.#state = state;
    return error ? err(error) : ok();
  }

  #connected(connection: Deno.TcpConn): void {
    // It may have been closed meanwhile.
    if (this.#state.kind !== "connect-in-progress") return connection.close();
    this.#ended({ kind: "connected", connection: this.#wrap(connection) });
  }

  #ended(outcome: (Event & { kind: "connect-ended" })["outcome"]): void {
    this.#apply({ kind: "connect-ended", outcome });
    this.#waiters.notify();
  }

  #adopt(accepted: Deno.TcpConn): TcpConnection {
    const connection = this.#wrap(accepted);
    this.#state = { kind: "connected", connection };
    return connection;
  }

  #wrap(opened: Deno.TcpConn): TcpConnection {
    const connection = new TcpConnection(opened, () => this.#end());
    if (this.options.keepAliveEnabled) connection.setKeepAlive(true);
    return connection;
  }

  #close(): void {
    const state = this.#state;
    this.#apply({ kind: "close" });
    switch (state.kind) {
      case "bind-in-progress":
      case "bound":
      case "listen-in-progress":
      case "listening":
        return state.listener.close();
      case "connected":
        return state.connection.close();
      case "connect-in-progress":
        if (state.outcome?.kind === "connected") return state.outcome.connection.close();
        return this.#abort.abort();
    }
  }
}
