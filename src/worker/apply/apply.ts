import { CapsuleError } from "../../base/errors.ts";
import type { ChangeResult, WorkerClient } from "../client.ts";
import type { Step } from "./difference.ts";

/** The result of `apply`. */
export interface ApplyResult {
  readonly done: number;
  /** Steps that failed; later steps of the same function are in `skipped`. */
  readonly failures: readonly { readonly step: Step; readonly error: CapsuleError }[];
  readonly skipped: readonly Step[];
}

/**
 * Carries out steps in order. After a failure the remaining steps of that function are skipped.
 *
 * @param onDone is called after each step that succeeded.
 */
export async function apply(
  steps: readonly Step[],
  worker: WorkerClient,
  onDone: (step: Step, changed: ChangeResult) => void,
): Promise<ApplyResult> {
  let done = 0;
  const failures: { step: Step; error: CapsuleError }[] = [];
  const skipped: Step[] = [];
  for (const step of steps) {
    if (failures.some((failure) => failure.step.function === step.function)) {
      skipped.push(step);
      continue;
    }
    try {
      onDone(step, await carryOut(step, worker));
      done++;
    } catch (error) {
      if (!(error instanceof CapsuleError)) throw error;
      failures.push({ step, error });
    }
  }
  return { done, failures, skipped };
}

async function carryOut(step: Step, worker: WorkerClient): Promise<ChangeResult> {
  const target = { function: step.function, revision: "revision" in step ? step.revision : "" };
  switch (step.kind) {
    case "deploy":
      return await worker.deploy(target, step.deployment);
    case "replace":
      return await worker.replace(target, step.deployment);
    case "scale":
      return await worker.scale(target, step.to);
    case "set-default":
      return await worker.setDefault(target);
    case "remove-default":
      return await worker.removeDefault(step.function);
    case "remove":
      return await worker.remove(target);
  }
}
