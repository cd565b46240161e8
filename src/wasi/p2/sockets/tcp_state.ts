import type { SocketErrorCode } from "./socket_error.ts";

/**
 * The state of a TCP socket, as `wasi:sockets/tcp` names it.
 *
 * @typeParam L the listener; it exists from bind on.
 * @typeParam C an open connection.
 */
export type TcpState<L, C> =
  | { readonly kind: "unbound" }
  | { readonly kind: "bind-in-progress"; readonly listener: L }
  | { readonly kind: "bound"; readonly listener: L }
  | { readonly kind: "listen-in-progress"; readonly listener: L }
  | { readonly kind: "listening"; readonly listener: L }
  | {
    readonly kind: "connect-in-progress";
    /** Undefined until the attempt has ended. */
    readonly outcome: ConnectOutcome<C> | undefined;
  }
  | { readonly kind: "connected"; readonly connection: C }
  | { readonly kind: "closed" };

/** The end of an attempt to connect. */
export type ConnectOutcome<C> =
  | { readonly kind: "connected"; readonly connection: C }
  | { readonly kind: "failed"; readonly error: SocketErrorCode };

/** An event of a TCP socket: an operation of the guest, or the end of one. */
export type TcpEvent<L, C> =
  | { readonly kind: "start-bind"; readonly listener: L }
  | { readonly kind: "finish-bind" }
  | { readonly kind: "start-listen" }
  | { readonly kind: "finish-listen" }
  | { readonly kind: "start-connect" }
  | { readonly kind: "connect-ended"; readonly outcome: ConnectOutcome<C> }
  | { readonly kind: "finish-connect" }
  | { readonly kind: "close" };

/** The state after an event; with an error the event did not succeed. */
export interface TcpTransition<L, C> {
  readonly state: TcpState<L, C>;
  readonly error?: SocketErrorCode;
}

/** Returns the state after an event, and the error-code of the function that caused it. */
export function nextTcpState<L, C>(
  state: TcpState<L, C>,
  event: TcpEvent<L, C>,
): TcpTransition<L, C> {
  switch (event.kind) {
    case "start-bind":
      return state.kind === "unbound"
        ? { state: { kind: "bind-in-progress", listener: event.listener } }
        : { state, error: refusedStart(state, event.kind) };
    case "finish-bind":
      return state.kind === "bind-in-progress"
        ? { state: { kind: "bound", listener: state.listener } }
        : { state, error: "not-in-progress" };
    case "start-listen":
      return state.kind === "bound"
        ? { state: { kind: "listen-in-progress", listener: state.listener } }
        : { state, error: refusedStart(state, event.kind) };
    case "finish-listen":
      return state.kind === "listen-in-progress"
        ? { state: { kind: "listening", listener: state.listener } }
        : { state, error: "not-in-progress" };
    case "start-connect":
      return state.kind === "unbound" || state.kind === "bound"
        ? { state: { kind: "connect-in-progress", outcome: undefined } }
        : { state, error: refusedStart(state, event.kind) };
    case "connect-ended":
      return state.kind === "connect-in-progress"
        ? { state: { kind: "connect-in-progress", outcome: event.outcome } }
        : { state };
    case "finish-connect":
      return finishConnect(state);
    case "close":
      return { state: { kind: "closed" } };
  }
}

function finishConnect<L, C>(state: TcpState<L, C>): TcpTransition<L, C> {
  if (state.kind !== "connect-in-progress") return { state, error: "not-in-progress" };
  const { outcome } = state;
  if (!outcome) return { state, error: "would-block" };
  return outcome.kind === "failed"
    ? { state: { kind: "closed" }, error: outcome.error }
    : { state: { kind: "connected", connection: outcome.connection } };
}

/** An operation that a later one finishes. */
type Start = "start-bind" | "start-connect" | "start-listen";

/** The states in which an operation can be started. */
const allowed: Readonly<Record<Start, ReadonlySet<string>>> = {
  "start-bind": new Set(["unbound"]),
  "start-connect": new Set(["unbound", "bound"]),
  "start-listen": new Set(["bound"]),
};

/** Returns the error of an operation that cannot be started in this state, or undefined. */
export function refusedStart(
  { kind }: { readonly kind: TcpState<unknown, unknown>["kind"] },
  operation: Start,
): SocketErrorCode | undefined {
  if (allowed[operation].has(kind)) return undefined;
  return kind.endsWith("in-progress") ? "concurrency-conflict" : "invalid-state";
}
