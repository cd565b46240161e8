import assert from "node:assert/strict";
import {
  nextTcpState,
  type TcpEvent,
  type TcpState,
} from "../../../../src/wasi/p2/sockets/tcp_state.ts";

type State = TcpState<string, string>;
type Event = TcpEvent<string, string>;

const listener = "L";
const connection = "C";
const connected = { kind: "connected", connection } as const;
const failed = { kind: "failed", error: "connection-refused" } as const;

const states: Readonly<Record<State["kind"], State>> = {
  "unbound": { kind: "unbound" },
  "bind-in-progress": { kind: "bind-in-progress", listener },
  "bound": { kind: "bound", listener },
  "listen-in-progress": { kind: "listen-in-progress", listener },
  "listening": { kind: "listening", listener },
  "connect-in-progress": { kind: "connect-in-progress", outcome: undefined },
  "connected": connected,
  "closed": { kind: "closed" },
};

/** The states after an event, or its error, which leaves the state unchanged. */
const table: Readonly<Record<string, readonly [Event, Readonly<Record<State["kind"], string>>]>> = {
  "start-bind": [{ kind: "start-bind", listener }, {
    "unbound": "→ bind-in-progress",
    "bind-in-progress": "concurrency-conflict",
    "bound": "invalid-state",
    "listen-in-progress": "concurrency-conflict",
    "listening": "invalid-state",
    "connect-in-progress": "concurrency-conflict",
    "connected": "invalid-state",
    "closed": "invalid-state",
  }],
  "finish-bind": [{ kind: "finish-bind" }, {
    "unbound": "not-in-progress",
    "bind-in-progress": "→ bound",
    "bound": "not-in-progress",
    "listen-in-progress": "not-in-progress",
    "listening": "not-in-progress",
    "connect-in-progress": "not-in-progress",
    "connected": "not-in-progress",
    "closed": "not-in-progress",
  }],
  "start-listen": [{ kind: "start-listen" }, {
    "unbound": "invalid-state",
    "bind-in-progress": "concurrency-conflict",
    "bound": "→ listen-in-progress",
    "listen-in-progress": "concurrency-conflict",
    "listening": "invalid-state",
    "connect-in-progress": "concurrency-conflict",
    "connected": "invalid-state",
    "closed": "invalid-state",
  }],
  "finish-listen": [{ kind: "finish-listen" }, {
    "unbound": "not-in-progress",
    "bind-in-progress": "not-in-progress",
    "bound": "not-in-progress",
    "listen-in-progress": "→ listening",
    "listening": "not-in-progress",
    "connect-in-progress": "not-in-progress",
    "connected": "not-in-progress",
    "closed": "not-in-progress",
  }],
  "start-connect": [{ kind: "start-connect" }, {
    "unbound": "→ connect-in-progress",
    "bind-in-progress": "concurrency-conflict",
    "bound": "→ connect-in-progress",
    "listen-in-progress": "concurrency-conflict",
    "listening": "invalid-state",
    "connect-in-progress": "concurrency-conflict",
    "connected": "invalid-state",
    "closed": "invalid-state",
  }],
  "finish-connect": [{ kind: "finish-connect" }, {
    "unbound": "not-in-progress",
    "bind-in-progress": "not-in-progress",
    "bound": "not-in-progress",
    "listen-in-progress": "not-in-progress",
    "listening": "not-in-progress",
    "connect-in-progress": "would-block",
    "connected": "not-in-progress",
    "closed": "not-in-progress",
  }],
};

for (const [name, [event, expected]] of Object.entries(table)) {
  Deno.test(`tcp state: ${name} in every state`, () => {
    for (const [kind, state] of Object.entries(states)) {
      const { state: next, error } = nextTcpState(state, event);
      assert.equal(error ?? `→ ${next.kind}`, expected[kind as State["kind"]], kind);
      if (error) assert.equal(next, state);
    }
  });
}

Deno.test("tcp state: the end of an attempt to connect decides what finish-connect returns", () => {
  const ended = (outcome: typeof connected | typeof failed) =>
    nextTcpState<string, string>(states["connect-in-progress"], { kind: "connect-ended", outcome })
      .state;
  const finish = (state: State) => nextTcpState(state, { kind: "finish-connect" });
  assert.deepEqual(finish(ended(connected)), { state: connected });
  assert.deepEqual(finish(ended(failed)), {
    state: { kind: "closed" },
    error: "connection-refused",
  });
});

Deno.test("tcp state: an attempt that ends after the socket was closed changes nothing", () => {
  const { state } = nextTcpState(states["connect-in-progress"], { kind: "close" });
  assert.deepEqual(nextTcpState(state, { kind: "connect-ended", outcome: connected }), { state });
});
