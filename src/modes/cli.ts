import "./preload.ts";
import { argumentSeparator } from "../abi/handler_call.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { TimeoutError } from "../wasm/limit_errors.ts";
import { callCli, type CliResult } from "../function/cli_call.ts";
import { openGrants } from "../runner/open_grants.ts";
import { loadCode } from "../runner/load_code.ts";
import type { RunnerOptions } from "../runner/runner_options.ts";
import type { Context } from "../base/context.ts";
import { printable, terminalSafe } from "../base/printable.ts";
import { moduleBytes } from "./module_bytes.ts";
import { grantsOf, limitsOf } from "./runner_flags.ts";

/** Exit codes: 134 as of a program that aborted, 124 as of `timeout`. */
const exitCodes = { done: 0, failed: 1, timedOut: 124, trapped: 134 } as const;

/**
 * The slice of a component with sockets: data for a guest that reads in a loop arrives between
 * slices.
 */
const componentSliceMs = 20;

/** Calls the function once with the arguments of the command line, or runs the program. */
export async function runCli(options: ModeOptions<"cli">, context: Context): Promise<number> {
  const { io } = context;
  const module = await moduleBytes(options, context, "cli");
  // The call has its thread to itself.
  const limits = { ...limitsOf(options), sliceMs: 0 };
  const { unlimited, adapter } = options;
  const code = await loadCode(
    module,
    { mode: "cli", limits, reuse: false, unlimited, adapter },
    context.log,
  );
  const running = {
    name: module.name,
    grants: grantsOf(options, io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr },
  };
  try {
    if (code.kind === "component") {
      const { runComponent } = await import("./cli_component.ts");
      const sliced = { ...limits, sliceMs: componentSliceMs };
      const component = { ...running, code, limits: sliced, args: options.args };
      return exitStatus(await runComponent(component, context));
    }
    const { blueprint } = code;
    if (blueprint.kind === "function") {
      return await printResult({ ...running, blueprint }, options.args, context);
    }
    const { runProgram } = await import("./cli_program.ts");
    return exitStatus(await runProgram({ ...running, blueprint }, options.args, context));
  } catch (error) {
    const isFunction = code.kind === "module" && code.blueprint.kind === "function";
    return await exitCodeOf(error, { name: module.name, isFunction }, context);
  }
}

/** Reports a guest's failure and returns its exit code; rethrows any other error. */
async function exitCodeOf(
  error: unknown,
  { name, isFunction }: { name: string; isFunction: boolean },
  { io }: Context,
): Promise<number> {
  const { ExitError, TrapError } = await import("../function/traps.ts");
  if (error instanceof ExitError) return exitStatus(error.exitCode);
  if (!(error instanceof TrapError || error instanceof TimeoutError)) throw error;
  const isTrap = error instanceof TrapError;
  io.stderr.write(printable(
    isTrap && !isFunction
      ? `${name} trapped: ${error.message}\n${error.guestStack}`
      : `${error.message}\n`,
  ));
  return isTrap ? exitCodes.trapped : exitCodes.timedOut;
}

async function printResult(
  running: RunnerOptions,
  args: readonly string[],
  context: Context,
): Promise<number> {
  const { io, log } = context;
  for (const argument of args) {
    if (!argument.includes(argumentSeparator)) continue;
    log.warn(
      `the argument "${argument}" contains "${argumentSeparator}": the function sees it split there`,
    );
  }
  // A program may draw on its terminal; a function prints text.
  const stdout = terminalSafe(io.stdout);
  const sinks = { stdout, stderr: terminalSafe(io.stderr) };
  const result = await callOnce({ ...running, sinks }, args, context);
  if (result.kind === "error") {
    io.stderr.write(printable(result.message) + "\n");
    return exitCodes.failed;
  }
  const line = new Uint8Array(result.bytes.length + 1);
  line.set(result.bytes);
  line[result.bytes.length] = 0x0a;
  stdout.write(line);
  return exitCodes.done;
}

/** Calls the function with the process's standard input. */
async function callOnce(
  running: RunnerOptions,
  args: readonly string[],
  context: Context,
): Promise<CliResult> {
  const { blueprint, name, limits, sinks } = running;
  const { families, wasi, close } = await openGrants(running, context);
  try {
    const stdin = {
      kind: "stream",
      read: (buffer: Uint8Array) => context.io.stdin.read(buffer),
    } as const;
    return await callCli(blueprint, {
      name,
      limits,
      sinks,
      families,
      wasi: { ...wasi, args: [name], stdin },
      args,
    });
  } finally {
    await close();
  }
}

/** The eight bits that the system keeps of an exit code. */
function exitStatus(exitCode: number): number {
  return exitCode & 0xff;
}
