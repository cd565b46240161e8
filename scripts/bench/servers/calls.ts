/**
 * Calls a function in this process, without HTTP, for a number of seconds each time a line with that number comes, and
 * answers each line with the microseconds that one call took. `deno run -A calls.ts capsule|naive MODULE BODY`
 */
import { createLog } from "../../../src/base/log.ts";
import type { ModeOptions } from "../../../src/cli/flags.ts";
import { parse } from "../../../src/cli/parse.ts";
import { takeResult } from "../../../src/abi/result.ts";
import { writeByteString } from "../../../src/abi/byte_string.ts";
import { allocateArguments } from "../../../src/function/pass_bytes.ts";
import type { Call } from "../../../src/function/function.ts";
import { HostInformation } from "../../../src/host/info.ts";
import { startFunction } from "../../../src/modes/function_of.ts";
import { processIo } from "../../../src/base/io.ts";
import { naiveCall } from "./naive_call.ts";

const headers = "Host:localhost:8080|Accept:*/*";
const [who, path = "", text = "", ...flags] = Deno.args;
const bytes = await Deno.readFile(path);
const body = new TextEncoder().encode(text);

const answered = (result: string) => {
  if (!result.startsWith("[BODY]")) throw new Error(`the function answered ${result}`);
};

async function capsuleCall(): Promise<() => unknown> {
  const io = processIo(Deno.args);
  const command = parse(["-mode=http", ...flags], { get: () => undefined });
  if (command.kind !== "mode") throw new Error("the flags ask for no mode");
  const options = command.options as ModeOptions<"http">;
  const sink = { write: () => {}, isTerminal: () => false };
  const called = await startFunction(options, { io, log: createLog("text", io) }, {
    mode: "http",
    bytes,
    name: path,
    information: new HostInformation(),
    sinks: { stdout: sink, stderr: sink, wholeLines: true },
    stdin: { kind: "empty" },
    reuse: options.reuse,
    maxInstances: options.maxInstances,
    maxQueue: options.maxQueue,
  });
  const call: Call<void> = {
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
  };
  return () => called.call(call);
}

async function naiveCalls(): Promise<() => unknown> {
  const module = await WebAssembly.compile(bytes);
  return () => answered(naiveCall(module, body, headers));
}

const callOnce = who === "naive" ? await naiveCalls() : await capsuleCall();
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lastsMs = Number(line) * 1000;
  let calls = 0;
  let calledMs = 0;
  while (calledMs < lastsMs) {
    const beganMs = performance.now();
    const endMs = beganMs + Math.min(5, lastsMs - calledMs);
    do {
      const result = callOnce();
      if (result instanceof Promise) await result;
      calls++;
    } while (performance.now() < endMs);
    calledMs += performance.now() - beganMs;
    // A server goes back to its event loop between calls; that time is not counted.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  console.log(calledMs / calls * 1000);
}
