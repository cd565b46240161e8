import type { CallLimit } from "../store/services.ts";
import type { Guest } from "../wasm/guest.ts";
import { denied } from "./host_function.ts";

/** The longest wait for a service, in milliseconds; calls without a timeout have this one. */
const maxWaitMs = 30_000;

/**
 * Returns the limit for a request to a backing service: 90 % of the call's remaining time, so that
 * the guest can still handle the failure.
 */
export function limitFor(guest: Guest): CallLimit {
  const nowMs = performance.now();
  const leftMs = Math.max(1, (guest.clock.deadlineMs - nowMs) * 0.9);
  return { timeoutMs: Math.round(Math.min(maxWaitMs, leftMs)), nowMs, caller: guest.caller };
}

/**
 * Throws if the guest runs in the sandbox.
 *
 * @throws CapsuleError `DENIED`
 */
export function refuseInSandbox(sandbox: boolean, action: string): void {
  if (sandbox) throw denied(action, "leaving out -sandbox");
}
