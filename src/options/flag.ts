import type { ModeName } from "./modes.ts";
import type { FlagType } from "./flag_types.ts";

/** A row of the table of flags. */
export interface Flag {
  /** The heading above it in the usage. */
  readonly group: string;
  readonly type: FlagType<NonNullable<unknown>, unknown>;
  readonly modes: readonly ModeName[];
  /** Sentences for the usage; the first one is enough for a completion. */
  readonly about: string;
  /** The default as a user would write it; it may differ by mode. */
  readonly default?: string | { readonly [Mode in ModeName]?: string };
  /** Modes that require the flag. */
  readonly required?: readonly ModeName[];
  /** Another flag that this one requires. */
  readonly needs?: string;
  /** `false` if the flag has no environment variable. */
  readonly variable?: false;
}

/** Returns the environment variable of a flag: `httpPort` → `CAPSULE_HTTP_PORT`. */
export function variableOf(name: string): string {
  return `CAPSULE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** Returns the default of a flag in a mode, as a user would write it. */
export function defaultOf(flag: Flag, mode: ModeName): string | undefined {
  return typeof flag.default === "object" ? flag.default[mode] : flag.default;
}
