import { CapsuleError } from "../base/errors.ts";
import type { ModuleDescription } from "./describe.ts";

/** Refuses a module with a memory that starts above `maxPages` pages of 64 KiB. Throws `CapsuleError` `LOAD`. */
export function limitMemory({ memories }: ModuleDescription, maxPages: number): void {
  for (const { limits } of memories) {
    if (limits.min <= maxPages) continue;
    throw new CapsuleError(
      "LOAD",
      `Cannot load the module: its memory starts with ${size(limits.min)} and the maximum is ${
        size(maxPages)
      }`,
    );
  }
}

function size(pages: number): string {
  return `${pages / 16} MiB (${pages} pages)`;
}
