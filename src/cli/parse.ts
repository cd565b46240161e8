import type { Env } from "../base/io.ts";
import { type ModeName, modes } from "../options/modes.ts";
import { defaultOf, type Flag, variableOf } from "../options/flag.ts";
import { flags } from "../options/flags.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import type { Shell } from "./completion.ts";
import {
  foreignFlag,
  missingCompanion,
  missingFlag,
  unexpectedArgument,
  wrongValue,
} from "./refusals.ts";
import { type GivenFlag, split } from "./split.ts";

/** A mode with its options. */
export type ModeCommand<Mode extends ModeName = ModeName> = {
  [M in Mode]: { readonly kind: "mode"; readonly mode: M; readonly options: ModeOptions<M> };
}[Mode];

/** The action that a command line selects. */
export type ParsedCommand =
  | { readonly kind: "help"; readonly mode: ModeName | undefined }
  | { readonly kind: "version" }
  | { readonly kind: "completion"; readonly shell: Shell }
  | { readonly kind: "man" }
  | { readonly kind: "healthCheck"; readonly url: string; readonly ca: string | undefined }
  | ModeCommand;

type Table = Readonly<Record<string, Flag>>;

/** The value of a flag; `ModeOptions` has its exact type. */
type Given = NonNullable<unknown>;

/**
 * Parses the arguments and the environment. A flag takes precedence over its variable, which takes
 * precedence over the default. Variables of other modes' flags are ignored, since modes share an
 * environment; on the command line such a flag is an error, since it would have no effect.
 *
 * @param table the table of flags; tests use others.
 * @throws UsageError for a command line or a variable that is wrong.
 */
export function parse(
  args: readonly string[],
  env: Pick<Env, "get">,
  table: Table = flags,
): ParsedCommand {
  const { given, rest, beforeDashes } = split(args, table);
  const first = fromLine(
    given.filter(({ name }) => name === "mode" || table[name]?.variable === false),
    flags,
  );
  // `oneOf(modeNames)` reads only these.
  const modeOnLine = first.get("mode") as ModeName | undefined;
  if (first.get("help") === true) return { kind: "help", mode: modeOnLine };
  if (first.get("version") === true) return { kind: "version" };
  const shell = first.get("completion") as Shell | undefined;
  if (shell !== undefined) return { kind: "completion", shell };
  if (first.get("man") === true) return { kind: "man" };
  const url = first.get("healthCheck") as string | undefined;
  if (url !== undefined) {
    const ca = fromLine(given.filter(({ name }) => name === "ca"), flags).get("ca") ??
      fromVariable("ca", flags.ca, env);
    return { kind: "healthCheck", url, ca: ca as string | undefined };
  }

  const mode = modeOnLine ?? (fromVariable("mode", flags.mode, env) as ModeName | undefined) ??
    flags.mode.default;
  for (const { name } of given) {
    const of = table[name]?.modes ?? [];
    if (!of.includes(mode)) throw foreignFlag(name, of, mode);
  }
  const onLine = fromLine(given, table);
  const { takesArguments } = modes[mode];
  const [argument] = takesArguments === "after --" ? rest.slice(0, beforeDashes) : rest;
  if (argument !== undefined && takesArguments !== true) throw unexpectedArgument(argument, mode);
  const options = optionsOf(mode, onLine, env, table);
  options.args = rest;
  // optionsOf gives each flag of the mode the value that ModeOptions derives from the same table.
  return { kind: "mode", mode, options } as unknown as ModeCommand;
}

function optionsOf(
  mode: ModeName,
  onLine: ReadonlyMap<string, Given>,
  env: Pick<Env, "get">,
  table: Table,
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const given = new Map(onLine);
  for (const [name, flag] of Object.entries(table)) {
    if (!flag.modes.includes(mode)) continue;
    const value = given.get(name) ?? fromVariable(name, flag, env);
    const text = defaultOf(flag, mode);
    if (value !== undefined) given.set(name, value);
    options[name] = value ?? (text === undefined ? flag.type.absent : flag.type.read(text));
  }
  for (const name in options) {
    const flag = table[name];
    if (flag?.required?.includes(mode) && !given.has(name)) {
      throw missingFlag(name, flag, mode);
    }
    const other = flag?.needs;
    if (other === undefined || !given.has(name) || given.has(other)) continue;
    const source = onLine.has(name) ? `-${name}` : variableOf(name);
    throw missingCompanion(source, other, table[other]);
  }
  return options;
}

function fromLine(given: readonly GivenFlag[], table: Table): Map<string, Given> {
  const values = new Map<string, Given>();
  for (const { name, text } of given) {
    const type = table[name]?.type;
    if (type) values.set(name, joined(type, values.get(name), read(`-${name}`, type, text)));
  }
  return values;
}

function fromVariable(name: string, flag: Flag, env: Pick<Env, "get">): Given | undefined {
  if (flag.variable === false) return undefined;
  const { type } = flag;
  const variable = variableOf(name);
  const text = env.get(variable);
  if (text === undefined || (text === "" && !type.takesEmpty)) return undefined;
  if (type.variableSeparator === undefined) return read(variable, type, text);
  let value: Given | undefined;
  for (const part of text.split(type.variableSeparator)) {
    if (part !== "") value = joined(type, value, read(variable, type, part));
  }
  return value;
}

function joined(type: Flag["type"], before: Given | undefined, next: Given): Given {
  return type.join && before !== undefined ? type.join(before, next) : next;
}

function read(source: string, type: Flag["type"], text: string): Given {
  const value = type.read(text);
  if (value === undefined) throw wrongValue(source, type, text);
  return value;
}
