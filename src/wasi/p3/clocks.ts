import type { HostPromise } from "../../component/instance/host.ts";
import { timer, toDatetime } from "../p2/clocks.ts";
import type { P2Interface, P2State } from "../p2/state.ts";
import type { P3Context } from "./context.ts";

/** Resolves at a moment of the monotonic clock, or when the call ends. */
function waitUntil(state: P2State, whenNs: bigint): HostPromise {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = timer(state, whenNs).whenReady(() => {
    state.pending.delete(stop);
    resolve(undefined);
  });
  state.pending.add(stop);
  const cancel = () => {
    stop();
    state.pending.delete(stop);
  };
  return Object.assign(promise, { cancel });
}

/** `wasi:clocks/monotonic-clock` */
export function monotonicClockInterface({ state }: P3Context): P2Interface {
  const { clock } = state;
  return {
    functions: {
      // now: func() -> mark
      "now": () => clock.monotonicNs(),
      // get-resolution: func() -> duration
      "get-resolution": () => 1000n,
      // wait-until: async func(when: mark)
      "wait-until": (when: bigint) =>
        when <= clock.monotonicNs() ? undefined : waitUntil(state, when),
      // wait-for: async func(how-long: duration)
      "wait-for": (howLong: bigint) =>
        howLong === 0n ? undefined : waitUntil(state, clock.monotonicNs() + howLong),
    },
  };
}

/** `wasi:clocks/system-clock` */
export function systemClockInterface({ state }: P3Context): P2Interface {
  return {
    functions: {
      // now: func() -> instant
      "now": () => toDatetime(state.clock.realtimeNs()),
      // get-resolution: func() -> duration
      "get-resolution": () => 1_000_000n,
    },
  };
}

/** `wasi:clocks/timezone`: guests are in UTC. */
export const timezoneInterface: P2Interface = {
  functions: {
    // iana-id: func() -> option<string>
    "iana-id": () => "UTC",
    // utc-offset: func(when: instant) -> option<s64>
    "utc-offset": () => 0n,
    // to-debug-string: func() -> string
    "to-debug-string": () => "UTC",
  },
};
