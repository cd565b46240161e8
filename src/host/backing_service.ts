import type { CallLimit } from "../store/key_value.ts";
import type { Guest } from "../wasm/guest.ts";
import { denied } from "./host_function.ts";

/** How long a service may take for a call that has no end of its own. */
const longestMs = 30_000;

/** What is left of a call's time for an answer: a tenth is kept, so that the guest hears of the failure before its own end. */
export function limitOf(guest: Guest): CallLimit {
  const nowMs = performance.now();
  const leftMs = Math.max(1, (guest.deadlineMs - nowMs) * 0.9);
  return { timeoutMs: Math.round(Math.min(longestMs, leftMs)), nowMs, caller: guest.caller };
}

/** Refuses where the guest has no network at all. */
export function refuseInSandbox(sandbox: boolean, what: string): void {
  if (sandbox) throw denied(what, "leaving out -sandbox");
}
