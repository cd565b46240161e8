import { type CallLimits } from "../../src/wasm/call_clock.ts";
import { Guest } from "../../src/wasm/guest.ts";

/** Returns a guest whose output is dropped, without limits unless they are given. */
export function quietGuest(limits: CallLimits = { sliceMs: 0, timeoutMs: 0 }): Guest {
  const sink = { write: () => {}, isTerminal: () => false };
  return new Guest({ stdout: sink, stderr: sink }, limits);
}
