/**
 * `deno run -A calls.ts capsule|uncounted|naive|component MODULE`: calls a function in this process
 * without HTTP. Each line of input is `[seconds, body]`, for a component the path in place of the
 * body; each line of output is the CPU time of one call in microseconds.
 */
import { cpuUsage } from "node:process";
import { createLog } from "../../../src/base/log.ts";
import type { ModeOptions } from "../../../src/options/mode_options.ts";
import { parse } from "../../../src/cli/parse.ts";
import { allocateArguments, takeResult } from "../../../src/abi/handler_call.ts";
import { writeByteString } from "../../../src/base/byte_string.ts";
import { CapsuleFunction, type FunctionCall } from "../../../src/function/function.ts";
import { loadModule } from "../../../src/function/load.ts";
import { handlerExport } from "../../../src/function/module_kind.ts";
import { loadFamilies } from "../../../src/wasi/imports.ts";
import { grantsOf, limitsOf } from "../../../src/modes/runner_flags.ts";
import { loadBlueprint } from "../../../src/runner/load_code.ts";
import { openFunction } from "../../../src/runner/open_function.ts";
import { guestLine } from "../../../src/base/log.ts";
import { processIo } from "../../../src/base/io.ts";
import { naiveCall } from "./naive_call.ts";

const headers = "Host:localhost:8080|Accept:*/*";
const [who, path = "", ...flags] = Deno.args;
const bytes = await Deno.readFile(path);
type CallOnce = (body: Uint8Array) => unknown;

const answered = (result: string) => {
  if (!result.startsWith("[BODY]")) throw new Error(`the function answered ${result}`);
};

const sink = { write: () => {}, isTerminal: () => false };
const sinks = { stdout: sink, stderr: sink, formLine: guestLine("text", "guest") };

function optionsOf(flags: readonly string[]): ModeOptions<"http"> {
  const command = parse(["-mode=http", ...flags], { get: () => undefined });
  if (command.kind !== "mode") throw new Error("the flags ask for no mode");
  return command.options as ModeOptions<"http">;
}

/** Calls as `-mode=http` does. */
async function capsuleFunction(): Promise<CapsuleFunction> {
  const io = processIo(Deno.args);
  const options = optionsOf(flags);
  const context = { io, log: createLog("text", io) };
  const limits = limitsOf(options);
  const { reuse } = options;
  const blueprint = await loadBlueprint(
    { name: path, bytes },
    { mode: "http", limits, reuse, unlimited: false },
    context.log,
  );
  const { callee: called } = await openFunction({
    blueprint,
    name: path,
    grants: grantsOf(options, io),
    limits,
    dataFolder: options.data,
    information: { pings: 0 },
    sinks,
  }, context);
  return called;
}

/** Calls without step metering, for a module that imports only WASI. */
async function uncountedFunction(): Promise<CapsuleFunction> {
  const { maxMemory, maxInstances, maxQueue } = optionsOf(flags);
  const blueprint = await loadModule(bytes, {
    name: path,
    mode: "http",
    maxMemoryBytes: maxMemory,
    steps: false,
    manyCalls: true,
    reuse: false,
    unlimited: false,
    warn: console.error,
  });
  return await CapsuleFunction.start(blueprint, {
    name: path,
    handler: handlerExport.http,
    limits: { sliceMs: 0, timeoutMs: 0 },
    maxInstances,
    maxQueue,
    sinks,
    wasi: {
      families: await loadFamilies(),
      args: [path],
      env: {},
      preopens: [],
      stdin: { kind: "empty" },
    },
    families: [],
  });
}

function callsOf(called: CapsuleFunction): CallOnce {
  const callWith = (body: Uint8Array): FunctionCall<void> => ({
    pass: (instance) => {
      const headersAt = allocateArguments(instance, headers.length + body.length);
      const { bytes } = instance.guest.memory;
      writeByteString(headers, bytes, headersAt);
      bytes.set(body, headersAt + headers.length);
      return [headersAt + headers.length, body.length, headersAt, headers.length];
    },
    take: (instance, result) => {
      const bytes = takeResult(instance.guest, result);
      if (bytes[1] !== 0x42) answered(new TextDecoder().decode(bytes)); // the B of [BODY]
    },
  });
  return (body) => called.call(callWith(body));
}

async function naiveCalls(): Promise<CallOnce> {
  const module = await WebAssembly.compile(bytes);
  return (body) => answered(naiveCall(module, { body, headers, log: () => {} }));
}

const callers: Record<string, () => Promise<CallOnce>> = {
  capsule: async () => callsOf(await capsuleFunction()),
  uncounted: async () => callsOf(await uncountedFunction()),
  naive: naiveCalls,
  component: async () => {
    const { componentCalls } = await import("./component_calls.ts");
    const io = processIo(Deno.args);
    const log = createLog("text", io);
    const call = await componentCalls({ name: path, bytes }, optionsOf(flags), { io, log });
    const decoder = new TextDecoder();
    return (body) => call(decoder.decode(body));
  },
};
const makeCalls = callers[who ?? ""];
if (!makeCalls) throw new Error(`there is no caller "${who}"`);
const callOnce = await makeCalls();
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const [seconds, text]: [number, string] = JSON.parse(line);
  const body = new TextEncoder().encode(text);
  const endMs = performance.now() + seconds * 1000;
  // CPU time includes the threads that free instances, and excludes other processes.
  const before = cpuUsage();
  let calls = 0;
  do {
    const turnEndMs = Math.min(performance.now() + 5, endMs);
    do {
      const result = callOnce(body);
      if (result instanceof Promise) await result;
      calls++;
    } while (performance.now() < turnEndMs);
    // A server returns to its event loop, too.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } while (performance.now() < endMs);
  const { user, system } = cpuUsage(before);
  console.log((user + system) / calls);
}
