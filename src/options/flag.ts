import type { ModeName } from "./modes.ts";
import type { ValueType } from "./value_types.ts";

/** A row of the table. */
export interface Flag {
  /** The heading under which the usage lists it. */
  readonly group: string;
  readonly type: ValueType<NonNullable<unknown>, unknown>;
  readonly modes: readonly ModeName[];
  /** Sentences for the usage. */
  readonly about: string;
  /** As a person would write it; may differ by mode. */
  readonly default?: string | { readonly [Mode in ModeName]?: string };
  /** Modes that do not start without the flag. */
  readonly required?: readonly ModeName[];
  /** Another flag without which this one makes no sense. */
  readonly needs?: string;
  /** `false`: no environment variable stands for it. */
  readonly variable?: false;
}

/** The environment variable that stands for a flag: `httpPort` → `CAPSULE_HTTP_PORT`. */
export function variableOf(name: string): string {
  return `CAPSULE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** What a flag does, in its first sentence and without the full stop. */
export function shortAbout({ about }: Flag): string {
  return about.replace(/\.(?: .*)?$/s, "");
}

/** The default of a flag in a mode, as a person would write it. */
export function defaultOf(flag: Flag, mode: ModeName): string | undefined {
  return typeof flag.default === "object" ? flag.default[mode] : flag.default;
}
