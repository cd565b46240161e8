import { argumentSeparator } from "../abi/handler_call.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { callCli, type CliResult } from "../function/cli_call.ts";
import { TimeoutError } from "../wasm/guest.ts";
import { loadFunction, type Plan, reach } from "./function_of.ts";
import type { Context } from "../base/context.ts";
import { moduleBytes } from "./module_bytes.ts";
// All else that this file imports, at whatever distance: Deno reads the files that one file names side by side, and those of
// the next level only then. Each level costs a call a third of a millisecond; a test holds this list complete.
import "../base/byte_buffer.ts";
import "../base/paths.ts";
import "../function/load.ts";
import "../function/make_instance.ts";
import "../function/module_kind.ts";
import "../host/log.ts";
import "./host_families.ts";
import "../prepare/contract.ts";
import "../prepare/format/reader.ts";
import "../prepare/limit_module.ts";
import "../source/module_header.ts";
import "../source/read_module.ts";
import "../wasi/descriptors.ts";
import "../wasi/fd_bytes.ts";
import "../wasi/imports.ts";
import "../wasi/preview1.ts";
import "../wasi/proc.ts";
import "../wasi/random.ts";
import "../wasi/wasi.ts";
import "../wasi/wire.ts";
import "../wasm/guest_output.ts";
import "../wasm/instance.ts";
import "../wasm/jspi.ts";
import "../wasm/memory.ts";

/** What the exit code says: 134 as a shell says of an aborted program, 124 as `timeout` does. */
const exitCodes = { done: 0, failed: 1, timedOut: 124, trapped: 134 } as const;

/** Calls the function once with the arguments of the command line and prints its result, or runs the program. */
export async function runCli(options: ModeOptions<"cli">, context: Context): Promise<number> {
  const { io } = context;
  const module = await moduleBytes(options, context, "cli");
  const blueprint = await loadFunction(options, context, { ...module, mode: "cli" });
  const plan: Plan = {
    mode: "cli",
    blueprint,
    name: module.name,
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr },
    maxInstances: 1,
    maxQueue: 0,
  };
  try {
    if (blueprint.kind === "function") return await printAnswer(options, context, plan);
    const { runProgram } = await import("./cli_program.ts");
    return exitStatus(await runProgram(options, context, plan));
  } catch (error) {
    return await exitCodeOf(error, context, plan);
  }
}

/** The exit code of a call that did not end well, after saying why. Throws what is no fault of the guest. */
async function exitCodeOf(
  error: unknown,
  { io }: Context,
  { name, blueprint }: Plan,
): Promise<number> {
  const { ExitError, TrapError } = await import("../function/traps.ts");
  if (error instanceof ExitError) return exitStatus(error.exitCode);
  if (!(error instanceof TrapError || error instanceof TimeoutError)) throw error;
  const isTrap = error instanceof TrapError;
  io.stderr.write(
    isTrap && blueprint.kind === "command"
      ? `${name} trapped: ${error.message}\n${error.guestStack}`
      : `${error.message}\n`,
  );
  return isTrap ? exitCodes.trapped : exitCodes.timedOut;
}

async function printAnswer(
  options: ModeOptions<"cli">,
  context: Context,
  plan: Plan,
): Promise<number> {
  const { io, log } = context;
  for (const argument of options.args) {
    if (!argument.includes(argumentSeparator)) continue;
    log.warn(
      `the argument "${argument}" holds "${argumentSeparator}": the function sees it split there`,
    );
  }
  const result = await callFunction(options, context, plan);
  if (result.kind === "error") {
    io.stderr.write(result.message + "\n");
    return exitCodes.failed;
  }
  const line = new Uint8Array(result.bytes.length + 1);
  line.set(result.bytes);
  line[result.bytes.length] = 0x0a;
  io.stdout.write(line);
  return exitCodes.done;
}

/** What a system keeps of an exit code: eight bits. */
function exitStatus(exitCode: number): number {
  return exitCode & 0xff;
}

/** Calls the function that the options describe once. */
async function callFunction(
  options: ModeOptions<"cli">,
  context: Context,
  plan: Plan,
): Promise<CliResult> {
  const { wasi, close, ...shared } = await reach(options, context, plan);
  try {
    const stdin = {
      kind: "stream",
      read: (buffer: Uint8Array) => context.io.stdin.read(buffer),
    } as const;
    return await callCli(plan.blueprint, {
      ...shared,
      wasi: { ...wasi, args: [plan.name], stdin },
      args: options.args,
    });
  } finally {
    await close();
  }
}
