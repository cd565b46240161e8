import { isError, joinArguments, passBytes, takeResult } from "../abi/handler_call.ts";
import type { HostFamily } from "../host/host_function.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import type { CallLimits } from "../wasm/call_clock.ts";
import { Guest } from "../wasm/guest.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import type { GuestInstance } from "../wasm/instance.ts";
import { makeInstance } from "./make_instance.ts";
import { handlerExport } from "./module_kind.ts";

/** Settings and arguments of one cli call. */
export interface CliCallOptions {
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly limits: CallLimits;
  readonly sinks: OutputSinks;
  readonly families: readonly HostFamily[];
  readonly wasi: Omit<WasiOptions, "stdout" | "stderr">;
  readonly args: readonly string[];
}

/** Result of a cli handler, in the bytes of the guest, or its error message. */
export type CliResult =
  | { readonly kind: "result"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly message: string };

/**
 * Calls a function's cli handler once, in an instance that ends with the call.
 *
 * @throws CapsuleError `LOAD`, TrapError, ExitError, TimeoutError.
 */
export async function callCli(blueprint: Blueprint, options: CliCallOptions): Promise<CliResult> {
  const { name, limits, sinks, families, wasi, args } = options;
  const guest = new Guest(sinks, limits);
  const write = (descriptor: 1 | 2) => (bytes: Uint8Array) => guest.output.write(descriptor, bytes);
  const outputs = { stdout: write(1), stderr: write(2) };
  const instance = makeInstance(blueprint, {
    guest,
    wasi: { ...wasi, ...outputs },
    families,
    name,
  });
  const unwatch = limits.timeoutMs === 0 ? undefined : await watch(guest);
  const cameMs = performance.now();
  let running = "_start";
  try {
    await instance.startAwaitable(cameMs);
    running = handlerExport.cli;
    const bytes = await callHandler(instance, args, cameMs);
    return isError(bytes)
      ? { kind: "error", message: await messageIn(bytes) }
      : { kind: "result", bytes };
  } catch (error) {
    const { explainThrown } = await import("./traps.ts");
    throw explainThrown(error, guest, { blueprint, handler: running });
  } finally {
    unwatch?.();
    instance.close();
  }
}

async function callHandler(
  instance: GuestInstance,
  args: readonly string[],
  cameMs: number,
): Promise<Uint8Array> {
  const { guest } = instance;
  const joined = joinArguments(args);
  instance.begin(true, cameMs);
  const result = await instance.awaitable(handlerExport.cli)(
    passBytes(instance, joined),
    joined.length,
  );
  const bytes = takeResult(guest, result).slice();
  guest.output.end();
  return bytes;
}

async function messageIn(bytes: Uint8Array): Promise<string> {
  const { decodeError } = await import("../abi/guest_strings.ts");
  return decodeError(new TextDecoder().decode(bytes)) ?? "";
}

/**
 * Stops the call at its deadline if it is waiting at that time. Returns a function that ends the
 * watch.
 */
async function watch(guest: Guest): Promise<() => void> {
  const { CallWatch } = await import("../wasm/call_watch.ts");
  const watch = new CallWatch();
  const watched = { guest };
  watch.add(watched);
  return () => {
    watch.remove(watched);
    watch.close();
  };
}
