import { systemClock, timeOf } from "./clock.ts";
import type { ArgsAndEnvironment } from "./args.ts";
import type { FileDescriptor } from "./descriptors.ts";
import type { WasiLayouts } from "./layouts.ts";
import { Errno, EventType, maxDescriptors, refuse, Right, WasiError } from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { type StandardInput, standardInput } from "./streams.ts";
import { checkRange } from "./wire.ts";

const eventBytes = 32;

/** Most subscriptions of a call: one for each descriptor and direction, and as many clocks. */
const maxSubscriptions = 4 * maxDescriptors;

/** `subclockflags`: the timeout is a time of the clock, not a duration. */
const subscriptionClockAbstime = 1;

/** Longest `setTimeout`, in milliseconds; longer waits take several. */
const maxTimerMs = 2 ** 31 - 1;

/** Result of one pass over the subscriptions. */
interface Pass {
  readonly events: PollEvent[];
  /** The time of the next clock event, on the monotonic clock. */
  nextNs?: bigint;
  /** A standard input that a subscription waits for. */
  input?: StandardInput;
}

/** Makes `poll_oneoff`. */
export function pollFunctions(
  state: WasiState,
  _called: ArgsAndEnvironment,
  { subscription }: WasiLayouts,
) {
  const { memory, descriptors, clock = systemClock() } = state;

  return {
    /**
     * Waits until a subscription has an event, and writes the events of all that have one. Suspends
     * the guest unless one has an event now and none waits for an empty standard input. `EINVAL`
     * for no subscriptions, and for more than a guest has use for, as in poll(2).
     */
    poll_oneoff(
      in_: number,
      out: number,
      nsubscriptions: number,
      nevents: number,
    ): number | Promise<number> {
      state.nondeterministicCalls++;
      in_ >>>= 0;
      out >>>= 0;
      nsubscriptions >>>= 0;
      nevents >>>= 0;
      checkRange(memory, in_, nsubscriptions * subscription.bytes);
      checkRange(memory, out, nsubscriptions * eventBytes);
      checkRange(memory, nevents, 4);
      if (nsubscriptions === 0 || nsubscriptions > maxSubscriptions) refuse("EINVAL");
      // Durations count from here, however many passes there are.
      const calledNs = clock.monotonicNs();
      const check = (): Pass => checkAll(in_, nsubscriptions, calledNs);
      const first = check();
      if (first.events.length > 0 && !first.input) return writeEvents(first.events, out, nevents);
      return wait(first, check).then(({ events }) => writeEvents(events, out, nevents));
    },
  };

  async function wait(first: Pass, check: () => Pass): Promise<Pass> {
    let pass = first;
    if (pass.events.length > 0 && pass.input) {
      // A guest that polls in a loop must still notice new input.
      await pass.input.peek();
      pass = check();
    }
    while (pass.events.length === 0) {
      await nextChange(pass);
      pass = check();
    }
    return pass;
  }

  /** Waits for the next clock event or for standard input, whichever is first. */
  async function nextChange(pass: Pass): Promise<void> {
    const change = Promise.withResolvers<void>();
    const cancel = pass.input?.whenReady(change.resolve);
    let timeout: ReturnType<typeof setTimeout> | undefined;
    const stop = () => clearTimeout(timeout);
    if (pass.nextNs !== undefined) {
      const ms = Number(pass.nextNs - clock.monotonicNs()) / 1e6;
      timeout = setTimeout(change.resolve, Math.min(Math.max(Math.ceil(ms), 0), maxTimerMs));
      state.pending.add(stop);
    }
    await change.promise;
    cancel?.();
    stop();
    state.pending.delete(stop);
  }

  function checkAll(in_: number, nsubscriptions: number, calledNs: bigint): Pass {
    const pass: Pass = { events: [] };
    const end = in_ + nsubscriptions * subscription.bytes;
    // Descriptors before clocks: a clock that expires in this moment matters only if none is ready.
    for (const clocks of [false, true]) {
      for (let at = in_; at < end; at += subscription.bytes) {
        const type = memory.view.getUint8(at + 8);
        if ((type === EventType.clock) !== clocks) continue;
        const found = clocks ? checkClock(at, calledNs, pass) : checkDescriptor(at, type, pass);
        const userdata = memory.view.getBigUint64(at, true);
        if (found) pass.events.push({ userdata, type, ...found });
      }
    }
    return pass;
  }

  function checkClock(at: number, calledNs: bigint, pass: Pass): Readiness | undefined {
    const view = memory.view;
    const id = view.getUint32(at + subscription.clockId, true);
    const timeout = view.getBigUint64(at + subscription.timeout, true);
    const flags = view.getUint16(at + subscription.flags, true);
    if (flags & ~subscriptionClockAbstime) return failed(Errno.EINVAL);
    const nowNs = clock.monotonicNs();
    const time = timeOf(clock, id, calledNs);
    if (time === undefined) return failed(Errno.EINVAL);
    const expiresNs = flags & subscriptionClockAbstime
      ? nowNs + timeout - time
      : calledNs + timeout;
    if (expiresNs <= nowNs) return succeeded;
    if (pass.nextNs === undefined || expiresNs < pass.nextNs) pass.nextNs = expiresNs;
    return undefined;
  }

  function checkDescriptor(at: number, type: number, pass: Pass): Readiness | undefined {
    if (type !== EventType.fdRead && type !== EventType.fdWrite) return failed(Errno.EINVAL);
    try {
      const fd = memory.view.getUint32(at + 16, true);
      const descriptor = descriptors.withRight(fd, Right.pollFdReadwrite);
      if (descriptor.kind === "directory") return failed(Errno.EBADF);
      if (descriptor.kind === "file") {
        return { errno: 0, nbytes: type === EventType.fdRead ? bytesLeft(descriptor) : 0n };
      }
      if ((descriptor.kind === "input") !== (type === EventType.fdRead)) return failed(Errno.EBADF);
      if (descriptor.kind === "output") return succeeded;
      const input = standardInput(state);
      if (!input.isReady) {
        pass.input = input;
        return undefined;
      }
      return { errno: 0, nbytes: BigInt(input.available), hangup: input.available === 0 };
    } catch (thrown) {
      if (thrown instanceof WasiError) return failed(thrown.errno);
      throw thrown;
    }
  }

  /** Writes the events, after all subscriptions were read: the guest's buffers may overlap. */
  function writeEvents(events: readonly PollEvent[], out: number, nevents: number): number {
    for (const [index, event] of events.entries()) writeEvent(out + index * eventBytes, event);
    memory.view.setUint32(nevents, events.length, true);
    return 0;
  }

  /**
   * Writes an `event`: user data (0x2a), no error, type 1 (a read), 5 bytes, no flags:
   *
   *     2a 00 00 00 00 00 00 00   00 00 01 00 00 00 00 00
   *     05 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00
   */
  function writeEvent(at: number, event: PollEvent): void {
    const view = memory.view;
    view.setBigUint64(at, event.userdata, true);
    view.setUint16(at + 8, event.errno, true);
    view.setUint8(at + 10, event.type);
    view.setUint8(at + 11, 0);
    view.setUint32(at + 12, 0);
    view.setBigUint64(at + 16, event.nbytes, true);
    view.setBigUint64(at + 24, event.hangup ? 1n : 0n, true);
  }
}

/** State of a clock or descriptor that has an event. */
interface Readiness {
  readonly errno: number;
  /** The number of bytes that a read returns immediately. */
  readonly nbytes: bigint;
  readonly hangup?: boolean;
}

interface PollEvent extends Readiness {
  readonly userdata: bigint;
  readonly type: number;
}

const succeeded: Readiness = { errno: 0, nbytes: 0n };

function failed(errno: number): Readiness {
  return { errno, nbytes: 0n };
}

function bytesLeft({ handle, folder: { backend } }: FileDescriptor): bigint {
  const left = backend.status(handle).size - backend.seek(handle, 0n, "current");
  return left > 0n ? left : 0n;
}
