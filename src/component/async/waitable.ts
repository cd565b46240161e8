import { trap } from "../abi/context.ts";
import type { OtherEntry } from "../abi/handle_table.ts";

/** Codes of events, as core code receives them. */
export const eventCodes = {
  none: 0,
  subtask: 1,
  "stream read": 2,
  "stream write": 3,
  "future read": 4,
  "future write": 5,
  "task cancelled": 6,
} as const;

/** An event as core code receives it. */
export interface WaitableEvent {
  readonly code: number;
  /** Index of the waitable. */
  readonly index: number;
  readonly payload: number;
}

/** The event of a wait that had none. */
export const noEvent: WaitableEvent = { code: eventCodes.none, index: 0, payload: 0 };
/** The event of a wait that was cancelled. */
export const cancelledEvent: WaitableEvent = {
  code: eventCodes["task cancelled"],
  index: 0,
  payload: 0,
};

/**
 * Something that a thread can wait for: a subtask, or an end of a stream or future.
 *
 * @see CanonicalABI.md, "Waitable State"
 */
export class Waitable implements OtherEntry {
  readonly resource = undefined;
  /** True while a thread waits for it with a synchronous built-in. */
  hasSyncWaiter = false;
  #takeEvent: (() => WaitableEvent) | undefined;
  #set: WaitableSet | undefined;

  get hasEvent(): boolean {
    return this.#takeEvent !== undefined;
  }

  get isInSet(): boolean {
    return this.#set !== undefined;
  }

  /** Sets the pending event, which replaces an earlier one; `take` makes it at its delivery. */
  setEvent(take: () => WaitableEvent): void {
    this.#takeEvent = take;
    this.#set?.notePending(this);
  }

  takeEvent(): WaitableEvent {
    const take = this.#takeEvent;
    if (!take) throw new Error("a waitable has no event");
    this.#takeEvent = undefined;
    this.#set?.noteTaken(this);
    return take();
  }

  /** Moves it into a set, or out of all. */
  join(set: WaitableSet | undefined): void {
    this.#set?.remove(this);
    this.#set = set;
    set?.add(this);
  }

  /** Call when its handle is dropped. */
  dropped(): void {
    this.join(undefined);
  }
}

/** Waitables that a thread waits for together. */
export class WaitableSet implements OtherEntry {
  readonly resource = undefined;
  /** Threads that wait for it. */
  waiting = 0;
  readonly #members = new Set<Waitable>();
  /** Those with an event, the oldest first. */
  readonly #pending = new Set<Waitable>();

  get hasEvent(): boolean {
    return this.#pending.size > 0;
  }

  add(member: Waitable): void {
    this.#members.add(member);
    if (member.hasEvent) this.#pending.add(member);
  }

  remove(member: Waitable): void {
    this.#members.delete(member);
    this.#pending.delete(member);
  }

  notePending(member: Waitable): void {
    this.#pending.add(member);
  }

  noteTaken(member: Waitable): void {
    this.#pending.delete(member);
  }

  /** Takes the oldest event. */
  takeEvent(): WaitableEvent {
    for (const member of this.#pending) return member.takeEvent();
    throw new Error("a waitable set has no event");
  }

  /** Call when its handle is dropped. @throws a trap if it is in use. */
  dropped(): void {
    if (this.#members.size > 0) throw trap("cannot drop waitable set with waitables in it");
    if (this.waiting > 0) throw trap("cannot drop waitable set with waiters");
  }
}
