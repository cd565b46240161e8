import { CapsuleError } from "../base/errors.ts";
import type { HostFamily } from "../host/host_function.ts";
import { createWasi, GuestExit, type Wasi, type WasiOptions } from "../wasi/wasi.ts";
import type { Guest } from "../wasm/guest.ts";
import { type Belongings, type Blueprint, GuestInstance } from "../wasm/instance.ts";
import { checkImports, makeImports } from "./imports.ts";

/** What an instance gets beside its module. */
export interface InstanceParts {
  readonly guest: Guest;
  readonly wasi: WasiOptions;
  readonly families: readonly HostFamily[];
  /** The module as the user named it, for messages. */
  readonly name: string;
}

/**
 * An instance with its imports, of which nothing has run yet.
 *
 * @throws CapsuleError `LOAD` that names what it imports and nothing provides.
 */
export function makeInstance(blueprint: Blueprint, parts: InstanceParts): GuestInstance {
  const { guest, families, name } = parts;
  const wasi = createWasi({ ...parts.wasi, onCall: guest.noteCall });
  const imports = makeImports(guest, wasi, families);
  try {
    const instance = new GuestInstance(blueprint, { guest, belongings: belongingsOf(wasi), imports });
    wasi.memory.bind(instance.exports.memory as WebAssembly.Memory);
    guest.allocateBuffer = instance.exports.allocateBuffer as (size: number) => number;
    return instance;
  } catch (error) {
    wasi.close();
    if (error instanceof WebAssembly.LinkError || error instanceof TypeError) {
      checkImports(blueprint.module, imports, name);
      throw new CapsuleError("LOAD", `${name} cannot be linked: ${error.message}`);
    }
    throw error;
  }
}

/** What the engine has to know of a guest's WASI. */
function belongingsOf(wasi: Wasi): Belongings {
  return {
    reset: wasi.reset,
    close: wasi.close,
    get nondeterministicCalls() {
      return wasi.nondeterministicCalls;
    },
    exitCodeOf: (thrown) => thrown instanceof GuestExit ? thrown.code : undefined,
  };
}
