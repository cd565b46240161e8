import { parse } from "../../src/cli/parse.ts";
import type { ModeOptions } from "../../src/options/mode_options.ts";
import { createHttpHandler } from "../../src/function/http_handler.ts";
import type { CapsuleFunction } from "../../src/function/function.ts";
import { grantsOf, limitsOf } from "../../src/modes/runner_flags.ts";
import { loadBlueprint } from "../../src/runner/load_code.ts";
import { openFunction } from "../../src/runner/open_function.ts";
import { createLog, guestLine } from "../../src/base/log.ts";
import type { Isolation } from "../../src/wasm/blueprint.ts";
import { memoryIo } from "./memory_io.ts";

/** A function served in this process, without a socket. */
export interface TestFunction extends AsyncDisposable {
  readonly called: CapsuleFunction;
  readonly handle: (request: Request) => Promise<Response>;
  /** Posts a text and reads the response. */
  readonly post: (body: string, headers?: HeadersInit) => Promise<string>;
  /** Takes the text of standard output and standard error since the last call. */
  readonly output: () => { stdout: string; stderr: string };
}

/** Reads a module of this repository. */
export function moduleAt(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(new URL(`../../${path}`, import.meta.url));
}

/** Reads the module of a guest in `tests/testdata/go`. */
export function guestModule(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return moduleAt(`tests/testdata/go/${name}/${name}.wasm`);
}

/**
 * Serves a module's HTTP handler with flags of `-mode=http`. `isolation` replaces the isolation
 * that the module allows.
 */
export async function serveModule(
  bytes: Uint8Array<ArrayBuffer>,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
  isolation: Isolation | undefined = undefined,
): Promise<TestFunction> {
  const io = memoryIo({ env });
  const { stdout, stderr } = io;
  const command = parse(["-mode=http", ...flags], io.env);
  if (command.kind !== "mode") throw new Error("the flags ask for no mode");
  const options = command.options as ModeOptions<"http">;
  const log = createLog("text", io);
  const limits = limitsOf(options);
  const name = "guest.wasm";
  const blueprint = await loadBlueprint(
    { name, bytes },
    { mode: "http", limits, reuse: options.reuse, unlimited: options.unlimited },
    log,
  );
  const { callee: called, close } = await openFunction({
    blueprint: isolation ? { ...blueprint, isolation } : blueprint,
    name,
    grants: grantsOf(options, io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks: { stdout: io.stdout, stderr: io.stderr, formLine: guestLine("text", "guest") },
  }, { io, log });
  const handler = createHttpHandler(called, { maxBodyBytes: options.maxBody, log });
  const handle = async (request: Request) => await handler(request);
  const seen = { stdout: 0, stderr: 0 };
  return {
    called,
    handle,
    post: async (body, headers) =>
      await (await handle(new Request("http://test/", { method: "POST", body, headers }))).text(),
    output: () => {
      const since = {
        stdout: stdout.text.slice(seen.stdout),
        stderr: stderr.text.slice(seen.stderr),
      };
      seen.stdout = stdout.text.length;
      seen.stderr = stderr.text.length;
      return since;
    },
    [Symbol.asyncDispose]: close,
  };
}
