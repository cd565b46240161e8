import type { CapsuleError } from "../base/errors.ts";

/** Reason for which a tentative call is discarded and rerun as an awaitable one. */
export type RerunReason = "side effect" | "slow";

/**
 * State of the call that a guest is in.
 *
 * - `tentative`: called synchronously, with its output held back, so that it can be discarded.
 * - `awaitable`: called through `promising`; it may wait and may have side effects.
 * - `waiting`: suspended until host work settles; `interrupt` rejects the wait.
 * - `rerun`: a tentative call that must be discarded and made again.
 * - `stopped`: it must not continue, and traps at its next step check.
 */
export type CallState =
  | { readonly kind: "tentative" | "awaitable" }
  | { readonly kind: "waiting"; readonly interrupt: (reason: unknown) => void }
  | { readonly kind: "rerun"; readonly reason: RerunReason }
  | { readonly kind: "stopped"; readonly reason: CapsuleError };

/** An event between the begin and the end of a call. */
export type CallEvent =
  | { readonly kind: RerunReason | "settled" }
  | { readonly kind: "wait"; readonly interrupt: (reason: unknown) => void }
  | { readonly kind: "stop"; readonly reason: CapsuleError };

/** The two states in which a call begins. */
export const tentative: CallState = { kind: "tentative" };
export const awaitable: CallState = { kind: "awaitable" };

// Made once. Hot path: no allocation (bench: `in-process`).
const rerun: Readonly<Record<RerunReason, CallState>> = {
  "side effect": { kind: "rerun", reason: "side effect" },
  slow: { kind: "rerun", reason: "slow" },
};

/** Returns the state after an event; `rerun` and `stopped` are final. */
export function nextState(state: CallState, event: CallEvent): CallState {
  if (state.kind === "rerun" || state.kind === "stopped") return state;
  switch (event.kind) {
    case "side effect":
    case "slow":
      return state.kind === "tentative" ? rerun[event.kind] : state;
    case "wait":
      return { kind: "waiting", interrupt: event.interrupt };
    case "settled":
      return state.kind === "waiting" ? awaitable : state;
    case "stop":
      return { kind: "stopped", reason: event.reason };
  }
}

/**
 * The caller of a function, which may leave before the result arrives. One listener at a time.
 *
 * Hot path: stands in for an `AbortSignal` with a listener, which every host call would pay for
 * (bench: `store`).
 */
export class Caller {
  /** Called once, when the caller leaves, with the reason. */
  onLeft: ((reason: unknown) => void) | undefined;
  #hasLeft = false;
  #reason: unknown;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The reason passed to `leave`. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Records that the caller left and notifies the listener. Later calls have no effect. */
  leave(reason: unknown): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#reason = reason;
    this.onLeft?.(reason);
  }
}
