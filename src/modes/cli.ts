import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import type { World } from "./modes.ts";

/** Calls the function once. It is not written yet, and says so. */
export function runCli(_options: ModeOptions<"cli">, _world: World): Promise<number> {
  return Promise.reject(new CapsuleError("MODE", "-mode=cli cannot call a function yet"));
}
