import { UsageError } from "../base/errors.ts";
import type { ModeName } from "../options/modes.ts";
import { type Flag, shortAbout } from "../options/flag.ts";
import { nearest, quote } from "./mistyped.ts";

/** Returns the error for an unknown flag; `written` is the argument as it was given. */
export function unknownFlag(written: string, name: string, flags: readonly string[]): UsageError {
  // The value is left out, as it may be a secret.
  const [flag = ""] = written.split("=", 1);
  const shown = /^[\w.-]{2,40}$/.test(flag) ? flag : quote(flag);
  const meant = nearest(name, flags);
  if (meant) return new UsageError(`unknown flag ${shown}: did you mean -${meant}?`);
  return new UsageError(
    `unknown flag ${shown}: -help lists the flags; put -- before arguments that begin with a dash`,
  );
}

/** Returns the error for a flag that is followed by the flag `other` or by nothing. */
export function noValue(name: string, { type }: Flag, other: string | undefined): UsageError {
  const sentence = `-${name} needs a value: -${name}=${type.placeholder}`;
  if (other === undefined) return new UsageError(sentence);
  return new UsageError(
    `${sentence}; -${other} after it is a flag (use = if it is meant as the value)`,
  );
}

/** Returns the error for an invalid value of a flag or a variable. */
export function wrongValue(source: string, type: Flag["type"], text: string): UsageError {
  const meant = nearest(text, type.choices ?? []);
  const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
  return new UsageError(`${source} must be ${type.rule}: got ${quote(text)}${hint}`);
}

/** Returns the error for a flag of other modes. */
export function foreignFlag(name: string, of: readonly ModeName[], mode: ModeName): UsageError {
  return new UsageError(
    `-${name} does nothing with -mode=${mode}: it belongs to -mode=${of.join(", -mode=")}`,
  );
}

/** Returns the error for a missing flag that the mode requires. */
export function missingFlag(name: string, flag: Flag, mode: ModeName): UsageError {
  return new UsageError(
    `-mode=${mode} needs -${name}=${flag.type.placeholder}: ${shortAbout(flag)}`,
  );
}

/** Returns the error for a flag or a variable that requires another flag. */
export function missingCompanion(source: string, name: string, flag: Flag | undefined): UsageError {
  return new UsageError(`${source} also needs -${name}=${flag?.type.placeholder}`);
}

/** Returns the error for an argument that is not a flag, in a mode that takes only flags. */
export function unexpectedArgument(argument: string, mode: ModeName): UsageError {
  const hint = argument.endsWith(".wasm")
    ? `did you mean -wasm=${quote(argument).slice(1, -1)}?`
    : /^(?:true|false)$/.test(argument)
    ? `a flag without a value is true, and -flag=false is false`
    : mode === "http"
    ? `-mode=cli passes arguments to the function, and a program's arguments follow --`
    : `-mode=cli passes arguments to the function`;
  return new UsageError(
    `unexpected argument ${quote(argument)}: -mode=${mode} takes flags only; ${hint}`,
  );
}
