import { CapsuleError, UsageError } from "../base/errors.ts";
import type { Io } from "../base/io.ts";
import { createLog, droppedLine, type Log } from "../base/log.ts";
import { printable } from "../base/printable.ts";
import type { ModeName } from "../options/modes.ts";
import type { Context } from "../base/context.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { type ModeCommand, parse, type ParsedCommand } from "./parse.ts";

/** Exit codes besides those of a mode. 70 is `EX_SOFTWARE` of sysexits.h. */
const exitCodes = { done: 0, failed: 1, usage: 2, bug: 70 } as const;

type Mode<Name extends ModeName> = (
  options: ModeOptions<Name>,
  context: Context,
) => Promise<number>;

/**
 * The entry points of the modes. A mode is loaded when it is selected; the specifiers are literal,
 * so that `deno compile` finds them.
 */
const modeFiles: { readonly [Name in ModeName]: () => Promise<Mode<Name>> } = {
  cli: async () => (await import("../modes/cli.ts")).runCli,
  http: async () => (await import("../modes/http.ts")).runHttp,
  "reverse-proxy": async () => (await import("../modes/reverse_proxy.ts")).runReverseProxy,
  registry: async () => (await import("../modes/registry.ts")).runRegistry,
  worker: async () => (await import("../modes/worker.ts")).runWorker,
  faas: async () => (await import("../modes/faas.ts")).runFaas,
  apply: async () => (await import("../modes/apply.ts")).runApply,
  push: async () => (await import("../modes/push.ts")).runPush,
  pull: async () => (await import("../modes/pull.ts")).runPull,
};

/**
 * Runs a command line and returns the exit code. A `CapsuleError` becomes one line on stderr and
 * exit code 1, or 2 for an invalid command line. Any other error is a bug: its stack is printed,
 * exit code 70.
 */
export async function run(io: Io): Promise<number> {
  let log: Log | undefined;
  try {
    const command = parse(io.args, io.env);
    if (command.kind === "mode") {
      // The reader of a JSON log expects its last line in JSON, too.
      if (command.options.log === "json") log = createLog("json", io);
      return await runMode(command, io);
    }
    io.stdout.write(await textOf(command));
    return exitCodes.done;
  } catch (error) {
    return report(error, io, log);
  }
}

/** Modes that serve, whose log must not block them. */
const servers: ReadonlySet<ModeName> = new Set([
  "http",
  "reverse-proxy",
  "registry",
  "worker",
  "faas",
]);

async function runMode(command: ModeCommand, io: Io): Promise<number> {
  const format = command.options.log;
  if (!servers.has(command.mode)) return await start(command, { io, log: createLog(format, io) });
  const { BatchedOutput } = await import("../base/batched_output.ts");
  const queue = (output: Io["stdout"]) =>
    new BatchedOutput(output, { droppedLine: (bytes) => droppedLine(format, bytes) });
  const streams = { stdout: queue(io.stdout), stderr: queue(io.stderr) };
  try {
    return await start(command, { io, log: createLog(format, streams) });
  } finally {
    await Promise.all([streams.stdout.close(), streams.stderr.close()]);
  }
}

function report(error: unknown, io: Io, log: Log | undefined): number {
  if (!(error instanceof CapsuleError)) {
    io.stderr.write(`capsule: this is a bug in capsule: ${stackOf(error)}\n`);
    return exitCodes.bug;
  }
  if (log) log.error(error.message, { code: error.code });
  else io.stderr.write(`capsule: ${printable(error.message)}\n`);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

async function start<Name extends ModeName>(
  command: ModeCommand<Name>,
  context: Context,
): Promise<number> {
  const mode = await modeFiles[command.mode]();
  const { options } = command;
  if ("ca" in options && typeof options.ca === "string") await trust(options.ca);
  return await mode(options, context);
}

async function textOf(command: Exclude<ParsedCommand, ModeCommand>): Promise<string> {
  switch (command.kind) {
    case "help":
      return (await import("./usage.ts")).usage(command.mode);
    case "version":
      return (await import("./version.ts")).versionLine() + "\n";
    case "completion":
      return (await import("./completion.ts")).completion(command.shell);
    case "man":
      return (await import("./man.ts")).manualPage();
    case "healthCheck":
      await trust(command.ca);
      return await (await import("./health_check.ts")).healthCheck(command.url);
  }
}

async function trust(ca: string | undefined): Promise<void> {
  if (ca !== undefined) await (await import("../base/authorities.ts")).trustAuthorities(ca);
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown);
}
