import type { Flag } from "../options/flag.ts";
import { noValue, unknownFlag } from "./refusals.ts";

/** A flag on the command line, with its text; that of a boolean without a value is "true". */
export interface GivenFlag {
  readonly name: string;
  readonly text: string;
}

/**
 * Splits a command line into flags and arguments, by the syntax of Go's flags, except that flags
 * may follow arguments.
 *
 * - `-flag=value`, `-flag value`, and both with two dashes; a boolean takes a value with `=` only.
 * - `--` ends the flags. A first `--` is dropped: `deno task start -- -mode=http` passes it on.
 * - `-` and the empty text are arguments.
 *
 * `beforeDashes` is the number of arguments that are not after a `--`.
 *
 * @see https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 * @throws UsageError for an unknown flag, or a flag without its value.
 */
export function split(
  args: readonly string[],
  table: Readonly<Record<string, Flag>>,
): { given: GivenFlag[]; rest: string[]; beforeDashes: number } {
  const given: GivenFlag[] = [];
  const rest: string[] = [];
  for (let at = args[0] === "--" ? 1 : 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      const beforeDashes = rest.length;
      rest.push(...args.slice(at + 1));
      return { given, rest, beforeDashes };
    }
    const written = asFlag(arg);
    if (!written) {
      rest.push(arg);
      continue;
    }
    const name = written.name === "h" ? "help" : written.name;
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!flag) throw unknownFlag(arg, written.name, Object.keys(table));
    if (written.text !== undefined) {
      given.push({ name, text: written.text });
    } else if (flag.type.bare !== undefined) {
      given.push({ name, text: flag.type.bare });
    } else {
      at++;
      given.push({ name, text: valueAfter(name, flag, args[at], table) });
    }
  }
  return { given, rest, beforeDashes: rest.length };
}

function asFlag(arg: string): { name: string; text: string | undefined } | undefined {
  if (!arg.startsWith("-") || arg === "-") return undefined;
  const start = arg.startsWith("--") ? 2 : 1;
  const end = arg.indexOf("=");
  return end < 0
    ? { name: arg.slice(start), text: undefined }
    : { name: arg.slice(start, end), text: arg.slice(end + 1) };
}

/** Unlike in Go, a known flag is not taken as a value: the value was forgotten. */
function valueAfter(
  name: string,
  flag: Flag,
  next: string | undefined,
  table: Readonly<Record<string, Flag>>,
): string {
  const isMissing = next === undefined || next === "--";
  const other = isMissing ? undefined : asFlag(next)?.name;
  if (isMissing || (other !== undefined && Object.hasOwn(table, other))) {
    throw noValue(name, flag, other);
  }
  return next;
}
