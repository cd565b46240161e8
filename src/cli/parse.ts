import { UsageError } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { type ModeName, modes } from "../modes/modes.ts";
import { defaultOf, type Flag, flags, type ModeOptions, variableOf } from "./flags.ts";
import { nearest } from "./nearest.ts";
import { quote } from "./quote.ts";
import { type GivenFlag, split } from "./split.ts";

/** A mode with its options. */
export type ModeCommand<Mode extends ModeName = ModeName> = {
  [M in Mode]: { readonly kind: "mode"; readonly mode: M; readonly options: ModeOptions<M> };
}[Mode];

/** What a command line asks for. */
export type Command =
  | { readonly kind: "help"; readonly mode: ModeName | undefined }
  | { readonly kind: "version" }
  | ModeCommand;

/**
 * What the arguments and the environment ask for. A flag on the command line wins over its variable, and that over
 * the default. Variables of flags that the mode does not take are ignored, since modes share an environment; on
 * the command line such a flag is an error, since it would do nothing.
 *
 * @param table is the table of flags; only tests hand in another.
 * @throws UsageError for everything that a person can get wrong.
 */
export function parse(
  args: readonly string[],
  env: Pick<Env, "get">,
  table: Readonly<Record<string, Flag>> = flags,
): Command {
  const { given, rest } = split(args, table);
  const asked = fromLine(given.filter(({ name }) => table[name]?.type.bare !== undefined), table);
  const modeOnLine = fromLine(given.filter(({ name }) => name === "mode"), { mode: flags.mode }).get("mode");
  if (asked.get("help") === true) return { kind: "help", mode: modeOnLine as ModeName | undefined };
  if (asked.get("version") === true) return { kind: "version" };

  const mode = (modeOnLine ?? fromVariable("mode", flags.mode, env) ?? flags.mode.default) as ModeName;
  for (const { name } of given) refuseForeign(name, table[name]?.modes ?? [], mode);
  const values = fromLine(given, table);
  refuseArguments(rest, mode);
  const variables = new Set<string>();
  for (const [name, flag] of Object.entries(table)) {
    if (values.has(name) || !flag.modes.includes(mode)) continue;
    const value = fromVariable(name, flag, env);
    if (value === undefined) continue;
    values.set(name, value);
    variables.add(name);
  }
  const options: Record<string, unknown> = { args: rest };
  for (const [name, flag] of Object.entries(table)) {
    if (!flag.modes.includes(mode)) continue;
    if (!values.has(name)) {
      if (flag.required?.includes(mode)) {
        throw new UsageError(`-mode=${mode} needs -${name}=${flag.type.placeholder}: ${flag.about}`);
      }
    } else if (flag.needs !== undefined && !values.has(flag.needs)) {
      const source = variables.has(name) ? variableOf(name) : `-${name}`;
      const other = table[flag.needs];
      throw new UsageError(
        `${source} needs -${flag.needs}=${other?.type.placeholder} as well: ${other?.about}`,
      );
    }
    const text = defaultOf(flag, mode);
    options[name] = values.get(name) ?? (text === undefined ? flag.type.absent : flag.type.read(text));
  }
  // The loop above gave each flag of the mode the value that ModeOptions derives from the same table.
  return { kind: "mode", mode, options } as unknown as ModeCommand;
}

/** The value of a flag that was given; what it is exactly, `ModeOptions` says. */
type Given = NonNullable<unknown>;

function fromLine(
  given: readonly GivenFlag[],
  table: Readonly<Record<string, Flag>>,
): Map<string, Given> {
  const values = new Map<string, Given>();
  for (const { name, text } of given) {
    const type = table[name]?.type;
    if (!type) continue;
    const value = read(`-${name}`, type, text);
    const before = values.get(name);
    values.set(name, type.join && before !== undefined ? type.join(before, value) : value);
  }
  return values;
}

function fromVariable(
  name: string,
  flag: Flag,
  env: Pick<Env, "get">,
): Given | undefined {
  if (flag.variable === false) return undefined;
  const text = env.get(variableOf(name));
  if (text === undefined || (text === "" && !flag.type.takesEmpty)) return undefined;
  const { type } = flag;
  const texts = type.variableSeparator === undefined
    ? [text]
    : text.split(type.variableSeparator).filter((part) => part !== "");
  return texts.map((part) => read(variableOf(name), type, part))
    .reduce<Given | undefined>(
      (before, next) => type.join && before !== undefined ? type.join(before, next) : next,
      undefined,
    );
}

function read(source: string, type: Flag["type"], text: string): Given {
  const value = type.read(text);
  if (value !== undefined) return value;
  const meant = nearest(text, type.choices ?? []);
  const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
  throw new UsageError(`${source} must be ${type.rule}: got ${quote(text)}${hint}`);
}

function refuseForeign(name: string, of: readonly ModeName[], mode: ModeName): void {
  if (of.includes(mode)) return;
  throw new UsageError(
    `-${name} does nothing with -mode=${mode}: it belongs to -mode=${of.join(", -mode=")}`,
  );
}

function refuseArguments(rest: readonly string[], mode: ModeName): void {
  const first = rest[0];
  if (first === undefined || modes[mode].takesArguments) return;
  const hint = first.endsWith(".wasm")
    ? `did you mean -wasm=${quote(first).slice(1, -1)}?`
    : /^(?:true|false)$/.test(first)
    ? `a flag without a value is true, and false is written -flag=false`
    : `-mode=cli hands arguments to the function`;
  throw new UsageError(`unexpected argument ${quote(first)}: -mode=${mode} takes flags only; ${hint}`);
}
