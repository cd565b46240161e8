import { systemClock, timeOf } from "./clock.ts";
import { type StandardInput, standardInput } from "./streams.ts";
import { Errno, EventType, Refusal, refuse, Right } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

const subscriptionBytes = 48;
const eventBytes = 32;

/** `subclockflags`: the time is one of the clock's own, not one from now on. */
const absolute = 1;

/** `setTimeout` counts milliseconds in 31 bits; longer waits go on in further turns. */
const longestTimerMs = 2 ** 31 - 1;

/** What one look at all subscriptions found. */
interface Look {
  /** Events written. */
  events: number;
  /** The nearest moment at which a clock rings, on the monotonic clock. */
  ringsNs?: bigint;
  /** A standard input that a subscription waits for. */
  input?: StandardInput;
}

export function pollFunctions(state: State) {
  const { memory, descriptors, clock = systemClock() } = state;

  return {
    /**
     * Waits until one of the subscriptions has an event, and writes the events of all that have one. Suspends the
     * guest (answers a promise) unless one has it now and none asks for a standard input that has nothing yet.
     */
    poll_oneoff(
      subscriptions: number,
      events: number,
      count: number,
      result: number,
    ): number | Promise<number> {
      state.nondeterministicCalls++;
      subscriptions >>>= 0;
      events >>>= 0;
      count >>>= 0;
      result >>>= 0;
      checkRange(memory, subscriptions, count * subscriptionBytes);
      checkRange(memory, events, count * eventBytes);
      checkRange(memory, result, 4);
      if (count === 0) refuse("EINVAL");
      // Times from now on are counted from this moment, however often is looked.
      const calledNs = clock.monotonicNs();
      const look = (): Look => lookAtAll(subscriptions, events, count, calledNs);
      const first = look();
      if (first.events === 0 || first.input) return wait(first, look, result);
      memory.view.setUint32(result, first.events, true);
      return 0;
    },
  };

  async function wait(first: Look, look: () => Look, result: number): Promise<number> {
    let found = first;
    if (found.events > 0 && found.input) {
      // Whoever asks without waiting, again and again, still has to learn of what comes.
      await found.input.glance();
      found = look();
    }
    while (found.events === 0) {
      await nextChange(found);
      found = look();
    }
    memory.view.setUint32(result, found.events, true);
    return 0;
  }

  /** Waits for the nearest clock or the standard input, whichever comes first. */
  async function nextChange(found: Look): Promise<void> {
    const change = Promise.withResolvers<void>();
    const forget = found.input?.whenReady(change.resolve);
    let timeout: ReturnType<typeof setTimeout> | undefined;
    const stop = () => clearTimeout(timeout);
    if (found.ringsNs !== undefined) {
      const ms = Number(found.ringsNs - clock.monotonicNs()) / 1e6;
      timeout = setTimeout(change.resolve, Math.min(Math.max(Math.ceil(ms), 0), longestTimerMs));
      state.pending.add(stop);
    }
    await change.promise;
    forget?.();
    stop();
    state.pending.delete(stop);
  }

  function lookAtAll(subscriptions: number, events: number, count: number, calledNs: bigint): Look {
    const found: Look = { events: 0 };
    const clocksRing = (at: number) => lookAtClock(at, calledNs, found);
    // Only if no descriptor is ready do clocks matter that ring at this very moment, so they come last.
    for (const wanted of [EventType.fdRead, EventType.clock]) {
      for (
        let at = subscriptions;
        at < subscriptions + count * subscriptionBytes;
        at += subscriptionBytes
      ) {
        const type = memory.view.getUint8(at + 8);
        if ((type === EventType.clock) !== (wanted === EventType.clock)) continue;
        const event = type === EventType.clock ? clocksRing(at) : lookAtDescriptor(at, type, found);
        if (event) writeEvent(events + eventBytes * found.events++, at, type, event);
      }
    }
    return found;
  }

  function lookAtClock(at: number, calledNs: bigint, found: Look): Event | undefined {
    const view = memory.view;
    const id = view.getUint32(at + 16, true);
    const timeout = view.getBigUint64(at + 24, true);
    const flags = view.getUint16(at + 40, true);
    if (flags & ~absolute) return failed(Errno.EINVAL);
    const nowNs = clock.monotonicNs();
    const time = timeOf(clock, id, calledNs);
    if (time === undefined) return failed(Errno.EINVAL);
    const ringsNs = flags & absolute ? nowNs + timeout - time : calledNs + timeout;
    if (ringsNs <= nowNs) return succeeded;
    if (found.ringsNs === undefined || ringsNs < found.ringsNs) found.ringsNs = ringsNs;
    return undefined;
  }

  function lookAtDescriptor(at: number, type: number, found: Look): Event | undefined {
    if (type !== EventType.fdRead && type !== EventType.fdWrite) return failed(Errno.EINVAL);
    try {
      const descriptor = descriptors.withRight(
        memory.view.getUint32(at + 16, true),
        Right.pollFdReadwrite,
      );
      if (descriptor.kind === "folder") return failed(Errno.EBADF);
      if (descriptor.kind === "file") {
        return { errno: 0, bytes: type === EventType.fdRead ? bytesLeft(descriptor) : 0n };
      }
      if ((descriptor.kind === "input") !== (type === EventType.fdRead)) return failed(Errno.EBADF);
      if (descriptor.kind === "output") return succeeded;
      const input = standardInput(state);
      if (!input.isReady) {
        found.input = input;
        return undefined;
      }
      return { errno: 0, bytes: BigInt(input.available), hangup: input.available === 0 };
    } catch (thrown) {
      if (thrown instanceof Refusal) return failed(thrown.errno);
      throw thrown;
    }
  }

  /**
   * The subscription's own word (0x2a), no error, type 1 (a read), 5 bytes, no flags:
   *
   *     2a 00 00 00 00 00 00 00   00 00 01 00 00 00 00 00   05 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00
   */
  function writeEvent(at: number, subscription: number, type: number, event: Event): void {
    const view = memory.view;
    view.setBigUint64(at, view.getBigUint64(subscription, true), true);
    view.setUint16(at + 8, event.errno, true);
    view.setUint8(at + 10, type);
    view.setUint8(at + 11, 0);
    view.setUint32(at + 12, 0);
    view.setBigUint64(at + 16, event.bytes, true);
    view.setBigUint64(at + 24, event.hangup ? 1n : 0n, true);
  }
}

interface Event {
  readonly errno: number;
  /** Bytes that can be read at once. */
  readonly bytes: bigint;
  /** The other end is gone. */
  readonly hangup?: boolean;
}

const succeeded: Event = { errno: 0, bytes: 0n };

function failed(errno: number): Event {
  return { errno, bytes: 0n };
}

function bytesLeft(file: {
  readonly handle: number;
  readonly folder: {
    readonly backend: {
      status(handle: number): { size: bigint };
      seek(handle: number, offset: bigint, whence: "current"): bigint;
    };
  };
}): bigint {
  const { backend } = file.folder;
  const left = backend.status(file.handle).size - backend.seek(file.handle, 0n, "current");
  return left > 0n ? left : 0n;
}
