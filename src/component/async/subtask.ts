import { trap } from "../abi/context.ts";
import type { CallContext } from "../instance/component_instance.ts";
import type { Outcome } from "./task.ts";
import { eventCodes, Waitable } from "./waitable.ts";

/** States of a subtask, as core code receives them. */
export const subtaskStates = {
  starting: 0,
  started: 1,
  returned: 2,
  "cancelled before started": 3,
  "cancelled before returned": 4,
} as const;

/**
 * A call that core code made, as its caller sees it.
 *
 * @see CanonicalABI.md, "Subtask State"
 */
export class Subtask extends Waitable {
  state: number = subtaskStates.starting;
  isCancellationRequested = false;
  /** Requests its cancellation; a promise if code of the callee runs meanwhile. */
  cancel: () => void | Promise<void> = () => {};
  readonly #context: CallContext;
  #isDelivered = false;
  /** Index in the table of the caller's instance; undefined before it is added. */
  #index: number | undefined;

  /** @param context the context of its parameters, which lends handles until it is resolved. */
  constructor(context: CallContext) {
    super();
    this.#context = context;
  }

  get isResolved(): boolean {
    return this.state >= subtaskStates.returned;
  }

  /** True once core code was notified that it is resolved. */
  get isDelivered(): boolean {
    return this.#isDelivered;
  }

  start(): void {
    this.state = subtaskStates.started;
    this.#notify();
  }

  resolve(outcome: Outcome): void {
    this.state = outcome !== "cancelled"
      ? subtaskStates.returned
      : this.state === subtaskStates.starting
      ? subtaskStates["cancelled before started"]
      : subtaskStates["cancelled before returned"];
    this.#notify();
  }

  /** Returns the handles that were lent to it. */
  deliver(): void {
    this.#isDelivered = true;
    this.#context.returnLent();
  }

  /** Starts to notify core code of its progress, by events of the waitable at this index. */
  watch(index: number): void {
    this.#index = index;
  }

  #notify(): void {
    const index = this.#index;
    if (index === undefined) return;
    this.setEvent(() => {
      if (this.isResolved) this.deliver();
      return { code: eventCodes.subtask, index, payload: this.state };
    });
  }

  /** @throws a trap if core code was not notified that it is resolved. */
  override dropped(): void {
    if (!this.#isDelivered) throw trap("cannot drop a subtask which has not yet resolved");
    super.dropped();
  }
}
