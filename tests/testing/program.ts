import { createLog, guestLine } from "../../src/base/log.ts";
import { parse } from "../../src/cli/parse.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import type { Command } from "../../src/function/command.ts";
import { createCgiHandler } from "../../src/function/cgi/cgi_handler.ts";
import { grantsOf, limitsOf } from "../../src/modes/runner_flags.ts";
import { loadBlueprint } from "../../src/runner/load_code.ts";
import { openProgram } from "../../src/runner/open_program.ts";
import { memoryIo } from "./memory_io.ts";

/** A program served in this process, without a socket. */
export interface TestProgram extends AsyncDisposable {
  readonly command: Command;
  /** Sends a request for a path. */
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  /** Text of standard output and standard error. */
  readonly output: () => { stdout: string; stderr: string };
}

/** Serves a program of `tests/testdata/wasi` with the flags of `-mode=http`. */
export async function serveProgram(
  name: string,
  flags: readonly string[] = [],
): Promise<TestProgram> {
  const file = new URL(`../testdata/wasi/${name}.wasm`, import.meta.url);
  return await serveProgramBytes(name, await Deno.readFile(file), flags);
}

/** Serves a program as `name` with the flags of `-mode=http`. */
export async function serveProgramBytes(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  flags: readonly string[] = [],
): Promise<TestProgram> {
  const io = memoryIo();
  const parsed = parse(["-mode=http", ...flags], io.env);
  if (parsed.kind !== "mode") throw new Error("the flags ask for no mode");
  const options = parsed.options as ModeOptions<"http">;
  const log = createLog("text", io);
  const module = { name: `${name}.wasm`, bytes };
  const limits = limitsOf(options);
  const { callee: command, close } = await openProgram({
    blueprint: await loadBlueprint(module, {
      mode: "http",
      limits,
      reuse: options.reuse,
      unlimited: options.unlimited,
    }, log),
    name: module.name,
    grants: grantsOf(options, io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr, formLine: guestLine("text", name) },
    args: [],
  }, { io, log });
  const handle = createCgiHandler(command, {
    maxBodyBytes: options.maxBody,
    log,
    server: () => ({ hostname: "127.0.0.1", port: 8080, isTls: false }),
  });
  return {
    command,
    get: (path, init) =>
      handle(new Request(`http://test${path}`, init), {
        transport: "tcp",
        hostname: "127.0.0.1",
        port: 1234,
      }),
    output: () => ({ stdout: io.stdout.text, stderr: io.stderr.text }),
    [Symbol.asyncDispose]: close,
  };
}
