import { modeNames, modes } from "../options/modes.ts";
import { storeVariables } from "../store/variables.ts";
import { type Flag, variableOf } from "../options/flag.ts";
import { flags } from "../options/flags.ts";
import { defaultNote, modesNote } from "./flag_notes.ts";
import { argumentsOf } from "./usage.ts";
import { version } from "./version.ts";

/**
 * Returns the manual page in roff, with the macros of man(7).
 *
 * @see https://man7.org/linux/man-pages/man7/man.7.html
 */
export function manualPage(): string {
  const lines = [
    `.TH CAPSULE 1 "" "capsule ${version}" "User commands"`,
    ".SH NAME",
    "capsule \\- a launcher of WebAssembly functions",
    ".SH SYNOPSIS",
    ...synopsis(),
    ".SH DESCRIPTION",
    text(
      "Runs WebAssembly functions, WASI programs and components. Every call gets a fresh instance.",
    ),
    ".SS Modes",
    ...modeNames.flatMap((mode) => item(`-mode=${mode}`, sentence(modes[mode].about))),
    ".SH OPTIONS",
    text(
      'Flags begin with one or two dashes, their values follow = or a space, and "--" ends the flags.',
    ),
  ];
  for (const [group, rows] of Map.groupBy(Object.entries<Flag>(flags), ([, { group }]) => group)) {
    lines.push(`.SS ${quoted(group)}`);
    for (const [name, flag] of rows) {
      const value = flag.type.bare === undefined ? `=${flag.type.placeholder}` : "";
      const absent = defaultNote(flag);
      const about = [flag.about, modesNote(flag), absent ? `The default is ${absent}.` : ""];
      lines.push(...item(`-${name}${value}`, about.filter(Boolean).join(" ")));
    }
  }
  lines.push(
    ".SH EXIT STATUS",
    ...Object.entries(exitStatus).flatMap(([code, about]) => item(code, about)),
    ".SH ENVIRONMENT",
    text(
      `Each flag can also be set by an environment variable, -httpPort by ${
        variableOf("httpPort")
      }; the command line takes precedence. The variable of a repeatable flag has one value per line.`,
    ),
  );
  for (const [name, { about, default: absent }] of Object.entries(storeVariables)) {
    lines.push(...item(name, about + (absent === undefined ? "" : ` The default is ${absent}.`)));
  }
  lines.push(
    ...item(
      "XDG_CACHE_HOME",
      "The folder of the cache of modules from registries and of native code; ~/.cache by default.",
    ),
    ".SH EXAMPLES",
    ...example("Call a function once:", 'capsule -mode=cli -wasm=hello.wasm "Bob Morane"'),
    ...example("Serve a function over HTTP:", "capsule -mode=http -wasm=hello.wasm -httpPort=8080"),
    ...example("Run a registry, a reverse proxy and a worker together:", "capsule -mode=faas"),
  );
  return lines.join("\n") + "\n";
}

/** The exit codes of Capsule. With `-mode=cli`, a program's own exit code takes precedence. */
export const exitStatus = {
  0: "Success.",
  1: "Failure; the last line on standard error is the reason. With -mode=cli also: the function returned an error.",
  2: "Invalid command line.",
  70: "A bug in Capsule.",
  124: "With -mode=cli: the call exceeded -timeout.",
  134: "With -mode=cli: the module trapped.",
} as const;

function synopsis(): string[] {
  const lines = modeNames.flatMap((mode) => [
    ".br",
    `.B ${escaped(`capsule -mode=${mode}`)}`,
    `[\\fIflags\\fR]${
      argumentsOf(mode).replace(/arguments[^\]]*/, "\\fI$&\\fR").replace("--", "\\-\\-")
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

function sentence(about: string): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1)}.`;
}

/** Returns a paragraph. A zero-width character keeps roff from reading its begin as a request. */
function text(words: string): string {
  return escaped(words).replace(/^(?=[.'])/, "\\&");
}

function quoted(words: string): string {
  return `"${escaped(words)}"`;
}

/** Escapes for roff; hyphens are ASCII, so that commands can be copied. */
function escaped(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...").replaceAll(
    '"',
    "\\(dq",
  );
}
