/**
 * `deno run -A scripts/flags_page.ts`: writes `docs/flags.md`, all flags and variables, from the
 * table of flags. A test compares the page with the table.
 */
import { defaultsOf } from "../src/cli/flag_notes.ts";
import { exitStatus } from "../src/cli/man.ts";
import { type Flag, variableOf } from "../src/options/flag.ts";
import { flags } from "../src/options/flags.ts";
import { modeNames } from "../src/options/modes.ts";
import { formatMarkdown } from "./format_markdown.ts";
import { storeVariables } from "../src/store/variables.ts";

/** Returns the page in Markdown. */
export function flagsPage(): string {
  const lines = [
    "# Flags and variables",
    "",
    "This page is generated from [the table of flags](../src/options/flags.ts). `capsule -help -mode=MODE` prints the flags of a",
    "mode, `capsule -man` the manual page, and `source <(capsule -completion=bash)` completes them in bash (`zsh`, `fish`).",
    "",
    "Each flag can also be set by the environment variable beside it; the command line takes precedence. Flags begin with one or two",
    "dashes, their values follow `=` or a space. The variable of a repeatable flag has one value per line.",
    "",
    "Other pages: [from Capsule 0.1.3](from-0.1.3.md), [limits and defaults](limits.md), [security](security.md).",
  ];
  for (const [group, rows] of Map.groupBy(Object.entries<Flag>(flags), ([, flag]) => flag.group)) {
    lines.push(
      "",
      `## ${group}`,
      "",
      "| flag | variable | default | modes | meaning |",
      "| --- | --- | --- | --- | --- |",
    );
    for (const [name, flag] of rows) {
      const value = flag.type.bare === undefined ? `=${flag.type.placeholder}` : "";
      lines.push(row([
        `\`-${name}${value}\``,
        flag.variable === false ? "" : `\`${variableOf(name)}\``,
        defaultCell(flag),
        flag.modes.length === modeNames.length
          ? "all"
          : flag.modes.map((mode) => `\`${mode}\``).join(", "),
        flag.about,
      ]));
    }
  }
  lines.push(
    ...["", "## Stores", "", "| variable | default | meaning |", "| --- | --- | --- |"],
    ...Object.entries(storeVariables).map(([name, { about, default: absent }]) =>
      row([`\`${name}\``, absent === undefined ? "" : `\`${absent}\``, about])
    ),
    ...["", "## Exit status", "", "| code | meaning |", "| --- | --- |"],
    ...Object.entries(exitStatus).map(([code, about]) => row([code, about])),
  );
  return lines.join("\n") + "\n";
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultCell(flag: Flag): string {
  return defaultsOf(flag)
    .map(({ text, modes }) => `\`${text}\`${modes ? ` for ${modes.join(", ")}` : ""}`).join(", ");
}

/** Returns the page as `deno fmt` formats it. */
export async function formattedPage(): Promise<string> {
  return await formatMarkdown(flagsPage());
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/flags.md", import.meta.url), await formattedPage());
}
