import { type ModeName, modeNames, modes } from "../options/modes.ts";
import { defaultOf, type Flag, variableOf } from "../options/flag.ts";
import { flags } from "../options/flags.ts";
import { version } from "./version.ts";

/** The flags that no variable stands for: `-help, -version and -man`. */
const withoutVariable = Object.entries<Flag>(flags).filter(([, flag]) => flag.variable === false)
  .map(([name]) => `-${name}`).join(", ").replace(/, (?=[^,]*$)/, " and ");

const width = 100;
/** A space at which no line ends; printed as a space. */
const noBreak = "\u00a0";
/** Where the sentences begin; a longer flag stands on a line of its own. */
const column = 30;

/** The usage, printed from the table of flags: all of it, or what one mode takes. At most 100 columns wide. */
export function usage(mode?: ModeName): string {
  const shown: [string, Flag][] = Object.entries<Flag>(flags)
    .filter(([, flag]) => mode === undefined || flag.modes.includes(mode));
  const lines = [
    `capsule ${version}: a launcher of WebAssembly functions`,
    "",
    mode === undefined || modes[mode].takesArguments
      ? `usage: capsule${mode ? ` -mode=${mode}` : ""} [flags] [--] [arguments of the function]`
      : `usage: capsule -mode=${mode} [flags]`,
    "",
    mode ? "Mode" : "Modes",
    ...modeNames.filter((name) => mode === undefined || name === mode)
      .flatMap((name) => entry(`  -mode=${name}`, modes[name].about)),
  ];
  for (const [group, rows] of Map.groupBy(shown, ([, flag]) => flag.group)) {
    lines.push(
      "",
      group,
      ...rows.flatMap(([name, flag]) => entry(signature(name, flag), notes(flag, mode))),
    );
  }
  lines.push(
    "",
    ...wrap(
      `Every flag except ${withoutVariable} may also be an environment variable: ` +
        `${
          variableOf("httpPort")
        } stands for -httpPort. A flag on the command line wins. -dir and -env take ` +
        "one value a line there. Two dashes do as well as one, a space as well as =, and -- ends the flags.",
      width,
    ),
  );
  return lines.join("\n") + "\n";
}

function signature(name: string, flag: Flag): string {
  return flag.type.bare === undefined ? `  -${name}=${flag.type.placeholder}` : `  -${name}`;
}

function notes(flag: Flag, mode: ModeName | undefined): string {
  const some = mode === undefined && flag.modes.length < modeNames.length;
  const where = some ? ` Only with -mode=${flag.modes.join(", -mode=")}.` : "";
  return `${flag.about}${where}${defaultNote(flag, mode)}`;
}

function defaultNote(flag: Flag, mode: ModeName | undefined): string {
  if (flag.default === undefined) return "";
  if (typeof flag.default === "string") return ` (default${noBreak}${flag.default})`;
  if (mode !== undefined) {
    const own = defaultOf(flag, mode);
    return own === undefined ? "" : ` (default${noBreak}${own})`;
  }
  const each = Object.entries(flag.default).map(([name, text]) => `${text} with -mode=${name}`);
  return ` (default ${each.join(", ")})`;
}

function entry(left: string, right: string): string[] {
  const wrapped = wrap(right, width - column).map((line) => " ".repeat(column) + line);
  if (left.length + 2 > column) return [left, ...wrapped];
  return [left.padEnd(column) + (wrapped[0] ?? "").trimStart(), ...wrapped.slice(1)];
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((wrapped) => wrapped.replaceAll(noBreak, " "));
}
