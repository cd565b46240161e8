import { ClockId, Errno } from "./preview1.ts";
import type { WasiClock, WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

/** Resolution of `performance.now`, in nanoseconds. */
const resolutionNs = 1000n;

/** Difference from the system's clock that counts as a change of that clock, in milliseconds. */
const toleranceMs = 2;

/** Makes the functions that read clocks. */
export function clockFunctions(state: WasiState) {
  const { memory, clock = systemClock() } = state;
  let startedNs: bigint | undefined;
  return {
    clock_res_get(id: number, resolution: number): number {
      resolution >>>= 0;
      checkRange(memory, resolution, 8);
      if (id < ClockId.realtime || id > ClockId.threadCputime) return Errno.EINVAL;
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

/** Returns the clocks of this process. */
export function systemClock(): WasiClock {
  let originMs = performance.timeOrigin;
  return {
    realtimeNs() {
      // `Date.now` has whole milliseconds; `performance.now` does not notice that the clock is set.
      const elapsedMs = performance.now();
      const systemMs = Date.now();
      if (Math.abs(originMs + elapsedMs - systemMs) > toleranceMs) originMs = systemMs - elapsedMs;
      return nanoseconds(originMs) + nanoseconds(elapsedMs);
    },
    monotonicNs: () => nanoseconds(performance.now()),
  };
}

/**
 * Converts milliseconds; whole and fraction apart, as a double cannot hold nanoseconds since 1970.
 */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}

/**
 * Returns the time of a clock, undefined for an unknown `id`. The processor time of a guest is all
 * the time since `startedNs`.
 */
export function timeOf(clock: WasiClock, id: number, startedNs: bigint): bigint | undefined {
  if (id === ClockId.realtime) return clock.realtimeNs();
  if (id === ClockId.monotonic) return clock.monotonicNs();
  if (id === ClockId.processCputime || id === ClockId.threadCputime) {
    return clock.monotonicNs() - startedNs;
  }
  return undefined;
}
