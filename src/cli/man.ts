import { type ModeName, modeNames, modes } from "../options/modes.ts";
import { storeVariables } from "../store/variables.ts";
import { type Flag, variableOf } from "../options/flag.ts";
import { flags } from "../options/flags.ts";
import { version } from "./version.ts";

/** The manual page in roff, with the macros of man(7). @see https://man7.org/linux/man-pages/man7/man.7.html */
export function manualPage(): string {
  const lines = [
    `.TH CAPSULE 1 "" "capsule ${version}" "User commands"`,
    ".SH NAME",
    "capsule \\- a launcher of WebAssembly functions",
    ".SH SYNOPSIS",
    ...synopsis(),
    ".SH DESCRIPTION",
    text(
      "Calls and serves functions of WebAssembly modules. Each call finds its module as if it had just been started.",
    ),
    ".SS Modes",
    ...modeNames.flatMap((mode) => item(`-mode=${mode}`, sentence(modes[mode].about))),
    ".SH OPTIONS",
    text('Two dashes do as well as one, a space as well as =, and "--" ends the flags.'),
  ];
  for (const [group, rows] of Map.groupBy(Object.entries<Flag>(flags), ([, { group }]) => group)) {
    lines.push(`.SS ${quoted(group)}`);
    for (const [name, flag] of rows) {
      const value = flag.type.bare === undefined ? `=${flag.type.placeholder}` : "";
      lines.push(
        ...item(`-${name}${value}`, `${flag.about}${modesNote(flag.modes)}${defaultNote(flag)}`),
      );
    }
  }
  lines.push(
    ".SH EXIT STATUS",
    ...Object.entries(exitStatus).flatMap(([code, about]) => item(code, about)),
    ".SH ENVIRONMENT",
    text(
      "A flag may also be a variable, whose name is made from the flag's; a flag on the command line wins. " +
        `Where a flag may be repeated, the variable has one value a line. ${
          variableOf("httpPort")
        } stands for -httpPort.`,
    ),
  );
  for (const [name, { about, default: absent }] of Object.entries(storeVariables)) {
    lines.push(...item(name, about + (absent === undefined ? "" : ` The default is ${absent}.`)));
  }
  lines.push(
    ...item(
      "XDG_CACHE_HOME",
      "Where modules from registries, and native code of this program, are kept; ~/.cache without it.",
    ),
    ".SH EXAMPLES",
    ...example("Call a function once:", 'capsule -mode=cli -wasm=hello.wasm "Bob Morane"'),
    ...example("Serve it:", "capsule -mode=http -wasm=hello.wasm -httpPort=8080"),
    ...example("A registry, a reverse proxy and a worker together:", "capsule -mode=faas"),
  );
  return lines.join("\n") + "\n";
}

/** What a process of Capsule ends with. */
export const exitStatus = {
  0: "It did what was asked.",
  1: "It failed; the last line on standard error says why. With -mode=cli also: the function answered an error.",
  2: "The command line is wrong.",
  70: "A bug of capsule.",
  124: "With -mode=cli: the call took longer than -timeout.",
  134: "With -mode=cli: the module trapped.",
} as const;

function synopsis(): string[] {
  const lines = modeNames.flatMap((mode) => [
    ".br",
    `.B ${escaped(`capsule -mode=${mode}`)}`,
    `[\\fIflags\\fR]${
      modes[mode].takesArguments ? " [\\-\\-] [\\fIarguments of the function\\fR]" : ""
    }`,
  ]);
  return lines.slice(1);
}

function item(term: string, about: string): string[] {
  return [".TP", `.B ${escaped(term)}`, text(about)];
}

function example(about: string, command: string): string[] {
  return [".PP", text(about), ".PP", ".RS 4", ".EX", escaped(command), ".EE", ".RE"];
}

function modesNote(of: readonly ModeName[]): string {
  return of.length < modeNames.length ? ` Only with -mode=${of.join(", -mode=")}.` : "";
}

function defaultNote({ default: absent }: Flag): string {
  if (absent === undefined) return "";
  if (typeof absent === "string") return ` The default is ${absent}.`;
  return ` The default is ${
    Object.entries(absent).map(([mode, value]) => `${value} with -mode=${mode}`).join(", ")
  }.`;
}

function sentence(about: string): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1)}.`;
}

/** A paragraph: what begins like a request of roff is kept from being one. */
function text(words: string): string {
  return escaped(words).replace(/^(?=[.'])/, "\\&");
}

function quoted(words: string): string {
  return `"${escaped(words)}"`;
}

/** Hyphens are those of commands, which people copy. */
function escaped(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...").replaceAll(
    '"',
    "\\(dq",
  );
}
