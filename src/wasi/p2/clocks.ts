import type { Pollable } from "./stream_types.ts";
import type { P2Interface, P2State } from "./state.ts";

/** Longest delay of a timer, in milliseconds; a longer one is waited for in parts. */
const maxDelayMs = 2 ** 31 - 1;
const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000n;

/**
 * Returns a pollable that is ready once the monotonic clock has reached `whenNs`, in nanoseconds.
 */
export function timer(state: P2State, whenNs: bigint): Pollable {
  const isReady = () => state.clock.monotonicNs() >= whenNs;
  return {
    isReady,
    whenReady(listener) {
      let handle: ReturnType<typeof setTimeout>;
      const wait = () => {
        const leftNs = whenNs - state.clock.monotonicNs();
        const leftMs = leftNs <= 0n ? 0 : Number((leftNs + nsPerMs - 1n) / nsPerMs);
        handle = setTimeout(() => isReady() ? listener() : wait(), Math.min(leftMs, maxDelayMs));
      };
      wait();
      return () => clearTimeout(handle);
    },
  };
}

/** `wasi:clocks/monotonic-clock` */
export function monotonicClockInterface(state: P2State): P2Interface {
  return {
    functions: {
      // now: func() -> instant
      "now": () => state.clock.monotonicNs(),
      // resolution: func() -> duration
      "resolution": () => 1000n,
      // subscribe-instant: func(when: instant) -> pollable
      "subscribe-instant": (when: bigint) => timer(state, when),
      // subscribe-duration: func(when: duration) -> pollable
      "subscribe-duration": (when: bigint) => timer(state, state.clock.monotonicNs() + when),
    },
  };
}

/** Returns nanoseconds since 1970 as a `datetime`. */
export function toDatetime(ns: bigint): { seconds: bigint; nanoseconds: number } {
  const nanoseconds = (ns % nsPerSecond + nsPerSecond) % nsPerSecond;
  return { seconds: (ns - nanoseconds) / nsPerSecond, nanoseconds: Number(nanoseconds) };
}

/** Returns a `datetime` as nanoseconds since 1970. */
export function fromDatetime(time: { seconds: bigint; nanoseconds: number }): bigint {
  return time.seconds * nsPerSecond + BigInt(time.nanoseconds);
}

/** `wasi:clocks/wall-clock` */
export function wallClockInterface(state: P2State): P2Interface {
  return {
    functions: {
      // now: func() -> datetime
      "now": () => toDatetime(state.clock.realtimeNs()),
      // resolution: func() -> datetime
      "resolution": () => ({ seconds: 0n, nanoseconds: 1_000_000 }),
    },
  };
}

/** `wasi:clocks/timezone`: guests are in UTC. */
export const timezoneInterface: P2Interface = {
  functions: {
    // display: func(when: datetime) -> timezone-display
    "display": () => ({ "utc-offset": 0, name: "UTC", "in-daylight-saving-time": false }),
    // utc-offset: func(when: datetime) -> s32
    "utc-offset": () => 0,
  },
};
