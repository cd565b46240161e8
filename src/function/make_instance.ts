import { CapsuleError, messageOf } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import { PREPARE_MODULE } from "../prepare/contract.ts";
import { Wasi, type WasiFunction, type WasiOptions } from "../wasi/wasi.ts";
import type { Guest } from "../wasm/guest.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import { GuestInstance } from "../wasm/instance.ts";
import { isThrownByGuest, suspending } from "../wasm/jspi.ts";
import type { MemoryReset } from "../wasm/memory_reset.ts";

/** Parts of an instance beside its module. */
export interface InstanceParts {
  readonly guest: Guest;
  readonly wasi: WasiOptions;
  readonly families: readonly HostFamily[];
  /** Restores its memory after each call; undefined for an instance that is never reset. */
  readonly memoryReset?: MemoryReset;
  /** The module as the user named it, for messages. */
  readonly name: string;
}

/**
 * Makes an instance with its imports. Only its start section has run.
 *
 * @throws CapsuleError `LOAD` with the first import that nothing provides, or TimeoutError when the
 * start section does not end in time.
 */
export function makeInstance(blueprint: Blueprint, parts: InstanceParts): GuestInstance {
  const { guest, families, name, memoryReset } = parts;
  const wasi = new Wasi({
    ...parts.wasi,
    onCall: guest.noteCall,
    assertInTime: () => guest.assertInTime(),
  });
  const imports = makeImports(guest, wasi, families);
  try {
    guest.beginStartSection();
    const instance = new GuestInstance(blueprint, {
      guest,
      resources: wasi,
      imports,
      memoryReset,
    });
    wasi.memory.bind(instance.exports.memory as WebAssembly.Memory);
    guest.allocateBuffer = instance.exports.allocateBuffer as (size: number) => number;
    return instance;
  } catch (error) {
    wasi.close();
    if (guest.stopped) throw guest.stopped;
    if (error instanceof WebAssembly.LinkError || error instanceof TypeError) {
      checkImports(blueprint.module, imports, name);
      throw new CapsuleError("LOAD", `${name} cannot be linked: ${error.message}`);
    }
    const exitCode = wasi.exitCodeOf(error);
    if (exitCode !== undefined) {
      throw new CapsuleError("LOAD", `${name}: its start section ended with exit code ${exitCode}`);
    }
    // A segment out of bounds, or the start section itself.
    if (isThrownByGuest(error)) {
      throw new CapsuleError("LOAD", `${name} cannot be instantiated: ${messageOf(error)}`);
    }
    throw error;
  }
}

/** Traps deep in a runtime, such as a panic of Rust, must still show the user's frames. */
Error.stackTraceLimit = 100;

const wasiModule = "wasi_snapshot_preview1";
/** The older name of preview1, in modules of 2019 and 2020. */
const unstableModule = "wasi_unstable";

/** Returns all functions that a guest may import, for one instance. */
function makeImports(
  guest: Guest,
  wasi: Wasi,
  families: readonly HostFamily[],
): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {
    [PREPARE_MODULE]: {
      step: guest.step,
      pause: suspending(guest.pause),
      wait: suspending(guest.wait),
      grow: guest.grow,
      exit: guest.exit,
    },
    [wasiModule]: wasiImports(guest, wasi, wasi.imports),
    // Built only for modules that import it.
    get [unstableModule]() {
      return wasiImports(guest, wasi, wasi.unstableImports);
    },
  };
  const into = (module: string) => imports[module] ??= {};
  for (const family of families) {
    const { module = "env", ...functions } = family(guest);
    for (const [name, call] of Object.entries(functions.sync ?? {})) into(module)[name] = call;
    for (const [name, call] of Object.entries(functions.suspending ?? {})) {
      into(module)[name] = suspending(call);
    }
  }
  return imports;
}

function wasiImports(
  guest: Guest,
  wasi: Wasi,
  calls: Readonly<Record<string, WasiFunction>>,
): Record<string, WebAssembly.ImportValue> {
  const imports: Record<string, WebAssembly.ImportValue> = {};
  for (const [name, call] of Object.entries(calls)) {
    imports[name] = wasi.suspending.has(name)
      ? suspending(interruptible(guest, call))
      : call as WebAssembly.ImportValue;
  }
  return imports;
}

/** Makes the end of the call end the wait. WASI functions that may wait have up to 4 parameters. */
function interruptible(guest: Guest, call: WasiFunction): (...args: never[]) => unknown {
  return (a: never, b: never, c: never, d: never) => {
    guest.output.settle();
    const result = call(a, b, c, d);
    return result instanceof Promise ? guest.waitFor(result, identity, rethrow) : result;
  };
}

const identity = (errno: number) => errno;
const rethrow = (error: unknown): never => {
  throw error;
};

/**
 * Checks that all imports of a module are provided.
 *
 * @throws CapsuleError `LOAD` with the first import that nothing provides, and what would provide
 * it.
 */
function checkImports(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  name: string,
): void {
  for (const wanted of WebAssembly.Module.imports(module)) {
    const provided = imports[wanted.module]?.[wanted.name];
    if (wanted.kind === "function" && provided !== undefined) continue;
    throw new CapsuleError(
      "LOAD",
      `${name} imports the ${wanted.kind} "${wanted.module}.${wanted.name}", which nothing provides: ` +
        providerHint(wanted.module),
    );
  }
}

function providerHint(module: string): string {
  if (module === "env") {
    return "Capsule 0.1 has no such host function; a later Capsule or another guest library may have it";
  }
  if (module === "capsule") return "a newer Capsule may have this host function";
  if (module === wasiModule) return "WASI preview1 has no such function";
  if (module === unstableModule) {
    return "this version of WASI has no such function";
  }
  if (module === "gojs" || module === "go") {
    return "build the module with `-target wasi`, this one is for browsers";
  }
  if (module.startsWith("wasi:")) {
    return "build the module for WASI preview1 (`-target wasi`), this one is for preview2";
  }
  return `Capsule provides the modules "env", "capsule" and "${wasiModule}"`;
}
