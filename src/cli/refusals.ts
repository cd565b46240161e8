import { UsageError } from "../base/errors.ts";
import type { ModeName } from "../options/modes.ts";
import { type Flag, shortAbout } from "../options/flag.ts";
import { nearest, quote } from "./mistyped.ts";

// What is said of a command line that is wrong. It is loaded for one only.

/** A flag that the table does not have; `written` is how it stands on the line. */
export function unknownFlag(written: string, name: string, flags: readonly string[]): UsageError {
  // What stands after "=" is left out: it may be a secret.
  const [flag = ""] = written.split("=", 1);
  const shown = /^[\w.-]{2,40}$/.test(flag) ? flag : quote(flag);
  const meant = nearest(name, flags);
  if (meant) return new UsageError(`unknown flag ${shown}: did you mean -${meant}?`);
  return new UsageError(
    `unknown flag ${shown}: -help lists the flags; put -- before arguments that begin with a dash`,
  );
}

/** A flag behind which no value stands, but nothing or another flag. */
export function noValue(name: string, { type }: Flag, other: string | undefined): UsageError {
  const sentence = `-${name} needs a value: -${name}=${type.placeholder}`;
  if (other === undefined) return new UsageError(sentence);
  return new UsageError(
    `${sentence}; -${other}, which follows it, is a flag (if it is meant as the value, put = between them)`,
  );
}

/** A text that is no value of the flag or variable that is its source. */
export function wrongValue(source: string, type: Flag["type"], text: string): UsageError {
  const meant = nearest(text, type.choices ?? []);
  const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
  return new UsageError(`${source} must be ${type.rule}: got ${quote(text)}${hint}`);
}

/** A flag of other modes. */
export function foreignFlag(name: string, of: readonly ModeName[], mode: ModeName): UsageError {
  return new UsageError(
    `-${name} does nothing with -mode=${mode}: it belongs to -mode=${of.join(", -mode=")}`,
  );
}

/** A flag that the mode cannot do without. */
export function missingFlag(name: string, flag: Flag, mode: ModeName): UsageError {
  return new UsageError(
    `-mode=${mode} needs -${name}=${flag.type.placeholder}: ${shortAbout(flag)}`,
  );
}

/** A flag or variable, the source, that makes no sense without another flag. */
export function missingCompanion(source: string, name: string, flag: Flag | undefined): UsageError {
  return new UsageError(`${source} also needs -${name}=${flag?.type.placeholder}`);
}

/** An argument that is no flag, in a mode that takes none. */
export function unexpectedArgument(argument: string, mode: ModeName): UsageError {
  const hint = argument.endsWith(".wasm")
    ? `did you mean -wasm=${quote(argument).slice(1, -1)}?`
    : /^(?:true|false)$/.test(argument)
    ? `a flag without a value is true, and false is written -flag=false`
    : `-mode=cli hands arguments to the function`;
  return new UsageError(
    `unexpected argument ${quote(argument)}: -mode=${mode} takes flags only; ${hint}`,
  );
}
