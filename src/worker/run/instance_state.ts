import type { RunningFunction } from "./function_runner.ts";

/** State of an instance; its events are `InstanceEvent`. */
export type InstanceState =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly process: RunningFunction; readonly sinceMs: number }
  | { readonly kind: "asleep" }
  | { readonly kind: "waking" }
  | { readonly kind: "backingOff"; readonly delayMs: number; readonly reason: string }
  /** It still serves the requests that arrived before; a held one may start a process even now. */
  | { readonly kind: "stopping"; readonly process?: RunningFunction; readonly isStarting: boolean };

/** A state, and the history that restarts depend on. */
export interface InstanceLife {
  readonly state: InstanceState;
  /** Failures since the instance was created. */
  readonly restarts: number;
  /** Consecutive failures, each less than `forgetMs` after its start. */
  readonly failures: number;
}

/** Something that happened to an instance. */
export type InstanceEvent =
  | { readonly kind: "started"; readonly process: RunningFunction; readonly nowMs: number }
  /** A start failed, or a process ended or was unhealthy. */
  | { readonly kind: "failed"; readonly reason: string; readonly nowMs: number }
  /** It had no request for the duration `idle`. */
  | { readonly kind: "idle" }
  | { readonly kind: "requested" }
  /** The backoff is over. */
  | { readonly kind: "due" }
  | { readonly kind: "stop" };

/** Backoff between a process's end and its restart. */
export interface RestartDelays {
  /** After the first failure. */
  readonly firstMs: number;
  /** Upper bound; each delay is twice the one before. */
  readonly longestMs: number;
  /** A process that ran for this long has no earlier failures. */
  readonly forgetMs: number;
}

/** The delays without other settings. */
export const defaultRestartDelays: RestartDelays = {
  firstMs: 100,
  longestMs: 30_000,
  forgetMs: 30_000,
};

/** Returns the delay after a number of consecutive failures, in milliseconds. */
export function backoffMs(failures: number, { firstMs, longestMs }: RestartDelays): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
}

/** Returns the life after an event; the same value if nothing changes. */
export function next(
  life: InstanceLife,
  event: InstanceEvent,
  delays: RestartDelays,
): InstanceLife {
  const state = life.state.kind === "stopping"
    ? nextStopping(life.state, event)
    : nextState(life.state, event);
  if (state !== "failed") return state === life.state ? life : { ...life, state };
  if (event.kind !== "failed") return life;
  const { reason, nowMs } = event;
  const isForgotten = life.state.kind === "running" &&
    nowMs - life.state.sinceMs >= delays.forgetMs;
  const failures = (isForgotten ? 0 : life.failures) + 1;
  return {
    state: { kind: "backingOff", delayMs: backoffMs(failures, delays), reason },
    restarts: life.restarts + 1,
    failures,
  };
}

type Stopping = Extract<InstanceState, { kind: "stopping" }>;

function nextState(
  state: Exclude<InstanceState, Stopping>,
  event: InstanceEvent,
): InstanceState | "failed" {
  const isStarting = state.kind === "starting" || state.kind === "waking";
  switch (event.kind) {
    case "started":
      return isStarting ? { kind: "running", process: event.process, sinceMs: event.nowMs } : state;
    case "failed":
      return isStarting || state.kind === "running" ? "failed" : state;
    case "idle":
      return state.kind === "running" ? { kind: "asleep" } : state;
    case "requested":
      return state.kind === "asleep" ? { kind: "waking" } : state;
    case "due":
      return state.kind === "backingOff" ? { kind: "starting" } : state;
    case "stop": {
      const process = state.kind === "running" ? state.process : undefined;
      return { kind: "stopping", process, isStarting };
    }
  }
}

function nextStopping(state: Stopping, event: InstanceEvent): Stopping {
  const { process, isStarting } = state;
  switch (event.kind) {
    case "started":
      return isStarting ? { kind: "stopping", process: event.process, isStarting: false } : state;
    case "failed":
      return process || isStarting ? { kind: "stopping", isStarting: false } : state;
    case "requested":
      return process || isStarting ? state : { kind: "stopping", isStarting: true };
    case "idle":
    case "due":
    case "stop":
      return state;
  }
}

/** Returns the process of a state that has one. */
export function processOf(state: InstanceState): RunningFunction | undefined {
  return state.kind === "running" || state.kind === "stopping" ? state.process : undefined;
}

/** Reports whether a process is being started. */
export function isStarting(state: InstanceState): boolean {
  return state.kind === "starting" || state.kind === "waking" ||
    state.kind === "stopping" && state.isStarting;
}
