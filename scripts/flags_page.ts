/**
 * `deno run -A scripts/flags_page.ts`: writes `docs/flags.md`, every flag and variable, from the table of flags. A test holds
 * the page to it.
 */
import { formatMarkdown } from "./format_markdown.ts";
import { modeNames } from "../src/options/modes.ts";
import { type Flag, variableOf } from "../src/options/flag.ts";
import { flags } from "../src/options/flags.ts";
import { exitStatus } from "../src/cli/man.ts";
import { storeVariables } from "../src/store/variables.ts";

/** The page in Markdown. */
export function flagsPage(): string {
  const lines = [
    "# Flags and variables",
    "",
    "Made from [the table of flags](../src/options/flags.ts) by `scripts/flags_page.ts`. `capsule -help -mode=MODE` prints what a mode",
    "takes, `capsule -man` the manual page, and `source <(capsule -completion=bash)` completes them (`zsh`, `fish`).",
    "",
    "A flag may also be the variable beside it; on the command line it wins. Two dashes do as well as one, a space as well",
    "as `=`. In the variable of a flag that may be repeated, each value stands on a line of its own.",
    "",
    "Other pages: [from Capsule 0.1.3](from-0.1.3.md), [limits and defaults](limits.md), [security](security.md).",
  ];
  for (const [group, rows] of Map.groupBy(Object.entries<Flag>(flags), ([, flag]) => flag.group)) {
    lines.push(
      "",
      `## ${group}`,
      "",
      "| flag | variable | default | modes | |",
      "| --- | --- | --- | --- | --- |",
    );
    for (const [name, flag] of rows) {
      const value = flag.type.bare === undefined ? `=${flag.type.placeholder}` : "";
      lines.push(row([
        `\`-${name}${value}\``,
        flag.variable === false ? "" : `\`${variableOf(name)}\``,
        defaultOf(flag),
        flag.modes.length === modeNames.length
          ? "all"
          : flag.modes.map((mode) => `\`${mode}\``).join(", "),
        flag.about,
      ]));
    }
  }
  lines.push(
    ...["", "## Stores", "", "| variable | default | |", "| --- | --- | --- |"],
    ...Object.entries(storeVariables).map(([name, { about, default: absent }]) =>
      row([`\`${name}\``, absent === undefined ? "" : `\`${absent}\``, about])
    ),
    ...["", "## Exit status", "", "| code | |", "| --- | --- |"],
    ...Object.entries(exitStatus).map(([code, about]) => row([code, about])),
  );
  return lines.join("\n") + "\n";
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultOf({ default: absent }: Flag): string {
  if (absent === undefined) return "";
  if (typeof absent === "string") return `\`${absent}\``;
  return Object.entries(absent).map(([mode, value]) => `\`${value}\` (${mode})`).join(", ");
}

/** Returns the page as `deno fmt` formats it. */
export async function formattedPage(): Promise<string> {
  return await formatMarkdown(flagsPage());
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/flags.md", import.meta.url), await formattedPage());
}
