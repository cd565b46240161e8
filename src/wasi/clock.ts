import { Clock, Errno } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

/** The two clocks that a guest sees, in nanoseconds. */
export interface WasiClock {
  /** Since 1970. */
  realtimeNs(): bigint;
  /** Since any moment, never going back. */
  monotonicNs(): bigint;
}

/** What `performance.now` resolves, in nanoseconds. */
const resolutionNs = 1000n;

/** Difference from the system's clock, in milliseconds, from which on that clock was set meanwhile. */
const toleranceMs = 2;

/** The clocks of this process. */
export function systemClock(): WasiClock {
  let originMs = performance.timeOrigin;
  return {
    realtimeNs() {
      // The system's clock tells whole milliseconds, the other one does not notice when the system's is set.
      const elapsedMs = performance.now();
      const systemMs = Date.now();
      if (Math.abs(originMs + elapsedMs - systemMs) > toleranceMs) originMs = systemMs - elapsedMs;
      return nanoseconds(originMs) + nanoseconds(elapsedMs);
    },
    monotonicNs: () => nanoseconds(performance.now()),
  };
}

/** Whole and fractional milliseconds apart, since a double does not hold nanoseconds since 1970. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}

/** The time of one of the four clocks; the guest's processor time is taken to be all the time since it started. */
export function timeOf(clock: WasiClock, id: number, startedNs: bigint): bigint | undefined {
  if (id === Clock.realtime) return clock.realtimeNs();
  if (id === Clock.monotonic) return clock.monotonicNs();
  if (id === Clock.processCputime || id === Clock.threadCputime) {
    return clock.monotonicNs() - startedNs;
  }
  return undefined;
}

export function clockFunctions(state: State) {
  const { memory, clock = systemClock() } = state;
  let startedNs: bigint | undefined;
  return {
    clock_res_get(id: number, resolution: number): number {
      resolution >>>= 0;
      checkRange(memory, resolution, 8);
      if (id < Clock.realtime || id > Clock.threadCputime) return Errno.EINVAL;
      memory.view.setBigUint64(resolution, resolutionNs, true);
      return 0;
    },
    clock_time_get(id: number, _precision: bigint, time: number): number {
      state.nondeterministicCalls++;
      time >>>= 0;
      checkRange(memory, time, 8);
      startedNs ??= clock.monotonicNs();
      const now = timeOf(clock, id, startedNs);
      if (now === undefined) return Errno.EINVAL;
      memory.view.setBigUint64(time, now, true);
      return 0;
    },
  };
}
