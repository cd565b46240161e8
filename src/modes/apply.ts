import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { AdminCallError } from "../client/call_admin.ts";
import { apply } from "../worker/apply/apply.ts";
import type { FunctionSpecs } from "../worker/apply/function_specs.ts";
import { describe } from "../worker/apply/describe.ts";
import { difference, keeping } from "../worker/apply/difference.ts";
import { readFunctionsFile } from "../worker/apply/read_functions.ts";
import { WorkerClient } from "../worker/client.ts";
import type { Context } from "../base/context.ts";

/** Makes a worker run the functions of a file and prints the changes. */
export async function runApply(
  options: ModeOptions<"apply">,
  { io, log }: Context,
): Promise<number> {
  const { config, worker: url, adminToken: token } = options;
  const file = await readFunctionsFile(config, io.env);
  const worker = new WorkerClient({ url, token });
  const actual = await listOf(worker);
  const steps = difference(options.keep ? keeping(file, actual) : file, actual);
  const print = (line: string) => io.stdout.write(`${line}\n`);

  if (steps.length === 0) {
    print(`nothing to change: ${url} runs what ${config} says`);
    return 0;
  }
  for (const step of steps) print(describe(step));
  if (options.dryRun) {
    print(`${counted(steps.length)} to make on ${url}; -dryRun made none`);
    return 0;
  }
  const { done, failures, skipped } = await apply(steps, worker, (step, { registered }) => {
    log.info(`done: ${describe(step)}`);
    if (!registered) {
      log.warn(
        `${step.function} is not registered yet: the worker cannot reach its proxy, and tries on`,
      );
    }
  });
  for (const step of skipped) log.warn(`left out: ${describe(step)}`);
  for (const { step, error } of failures) log.error(`failed: ${describe(step)}: ${error.message}`);
  if (failures.length > 0) {
    throw new CapsuleError(
      "APPLY",
      `${done} of ${counted(steps.length)} made on ${url}; try again`,
    );
  }
  print(`${counted(done)} made on ${url}`);
  return 0;
}

async function listOf(worker: WorkerClient): Promise<FunctionSpecs> {
  try {
    return await worker.list();
  } catch (error) {
    if (!(error instanceof AdminCallError) || error.status !== 401) throw error;
    const hint =
      "set -adminToken or CAPSULE_ADMIN_TOKEN; -mode=faas keeps its own in .capsule/token";
    throw new CapsuleError(error.code, `${error.message} (${hint})`, { cause: error });
  }
}

const counted = (count: number): string => `${count} ${count === 1 ? "change" : "changes"}`;
