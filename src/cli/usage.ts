import { type ModeName, modeNames, modes } from "../options/modes.ts";
import { type Flag, variableOf } from "../options/flag.ts";
import { flags } from "../options/flags.ts";
import { defaultNote, modesNote } from "./flag_notes.ts";
import { version } from "./version.ts";

/** The flags without an environment variable: `-help, -version and -man`. */
const withoutVariable = Object.entries<Flag>(flags).filter(([, flag]) => flag.variable === false)
  .map(([name]) => `-${name}`).join(", ").replace(/, (?=[^,]*$)/, " and ");

const width = 100;
/** A space that `wrap` does not break at. */
const noBreak = "\u00a0";
/** The column of the sentences; a longer flag has a line of its own. */
const column = 30;

/** Returns how a mode's arguments that are not flags are written, with a space before. */
export function argumentsOf(mode: ModeName): string {
  const { takesArguments } = modes[mode];
  if (takesArguments === "after --") return " [-- arguments of the program]";
  return takesArguments ? " [--] [arguments of the function]" : "";
}

/** Returns the usage of all modes or of one, up to 100 columns wide. */
export function usage(mode?: ModeName): string {
  const shown: [string, Flag][] = Object.entries<Flag>(flags)
    .filter(([, flag]) => mode === undefined || flag.modes.includes(mode));
  const lines = [
    `capsule ${version}: a launcher of WebAssembly functions`,
    "",
    mode === undefined
      ? "usage: capsule [flags] [--] [arguments of the function]"
      : `usage: capsule -mode=${mode} [flags]${argumentsOf(mode)}`,
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
      `Each flag except ${withoutVariable} can also be set by an environment variable, -httpPort ` +
        `by ${variableOf("httpPort")}; the command line takes precedence. The variables of -dir ` +
        "and -env have one value per line. Flags begin with one or two dashes, their values follow " +
        "= or a space, and -- ends the flags.",
      width,
    ),
  );
  return lines.join("\n") + "\n";
}

function signature(name: string, flag: Flag): string {
  return flag.type.bare === undefined ? `  -${name}=${flag.type.placeholder}` : `  -${name}`;
}

function notes(flag: Flag, mode: ModeName | undefined): string {
  const absent = defaultNote(flag, mode);
  return [
    flag.about,
    mode === undefined ? modesNote(flag) : "",
    // A default in one word stays on one line with its parenthesis.
    absent === undefined ? "" : `(default${absent.includes(" ") ? " " : noBreak}${absent})`,
  ].filter((part) => part !== "").join(" ");
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
