import type { Flag } from "./flag.ts";
import type { flags } from "./flags.ts";
import type { ModeName } from "./modes.ts";
import type { FlagType } from "./flag.ts";

type Flags = typeof flags;

type Value<Row extends Flag, Mode extends ModeName> = Row["type"] extends
  FlagType<infer T, infer Absent>
  ? Row extends { default: string } | { default: { [M in Mode]: string } } ? T
  : Row extends { required: readonly (infer Needing)[] } ? Mode extends Needing ? T : T | Absent
  : T | Absent
  : never;

/** The options of a mode: the values of its flags by name, and the arguments that are not flags. */
export type ModeOptions<Mode extends ModeName> =
  & {
    readonly [Name in keyof Flags as Mode extends Flags[Name]["modes"][number] ? Name : never]:
      Value<
        Flags[Name],
        Mode
      >;
  }
  & { readonly args: readonly string[] };
