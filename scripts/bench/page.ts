import { rows } from "./rows.ts";
import { digits, type Section } from "./table.ts";

/** Date, commit and machine of a run. */
export interface Provenance {
  /** ISO 8601 date of the run. */
  readonly date: string;
  /** Short hash, with `-dirty` where the work tree differs from it. */
  readonly commit: string;
  /** Processor, memory, system and Deno. */
  readonly machine: string;
  /** Load tool, rounds, seconds, and the load average before the run. */
  readonly load: string;
}

/**
 * Returns `docs/benchmarks.md`: every measured row beside its anchor. A row that was not measured
 * keeps its section of `previous`, the page as it was; a section that is not a row is dropped.
 */
export function benchmarksPage(
  sections: readonly Section[],
  provenance: Provenance,
  previous = "",
): string {
  const texts = new Map<string, string>();
  for (const text of previous.split(/^(?=## )/m)) {
    texts.set(text.match(/^## (.+)$/m)?.[1] ?? "", text.trimEnd());
  }
  for (const section of sections) texts.set(section.name, sectionText(section, provenance));
  const kept = rows.map(({ name }) => texts.get(name)).filter((text) => text !== undefined);
  return [
    "# Benchmarks",
    "Written by `deno task bench -- --write`; no other file repeats a figure of it. Compare ratios, " +
    "which come from contenders measured side by side in one run, and not absolute values, which " +
    "differ by machine and day. [How it measures](../scripts/bench/README.md).",
    `${metTargets(kept.join("\n"))}.`,
    ...kept,
  ].join("\n\n") + "\n";
}

function sectionText({ name, lines: measured }: Section, provenance: Provenance): string {
  const { date, commit, machine, load } = provenance;
  const about = rows.find((row) => row.name === name)?.about ?? "";
  const lines = [
    `## ${name}`,
    "",
    `${about.charAt(0).toUpperCase()}${about.slice(1)}.`,
    "",
    `- Date: ${date}, commit ${commit}`,
    `- Machine: ${machine}`,
    `- Load: ${load}`,
    "",
  ];
  if (measured.length === 0) {
    lines.push("Not measured on this machine: a program that the row needs is missing.");
    return lines.join("\n");
  }
  lines.push("| what | who | median | ratio to its anchor | target | met |");
  lines.push("| --- | --- | --- | --- | --- | --- |");
  for (const { what, who, seen, ratio = "", target } of measured) {
    const met = target === undefined ? "" : target.met ? "yes" : "no";
    lines.push(`| ${[what, who, seen, ratio, target?.text ?? "", met].map(cell).join(" | ")} |`);
  }
  return lines.join("\n");
}

/** Counts the last cells of the tables, `yes` or `no`. */
function metTargets(text: string): string {
  const cells = [...text.matchAll(/\| (yes|no) +\|$/gm)].map(([, met]) => met);
  return `${cells.filter((met) => met === "yes").length} of ${cells.length} targets met`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/**
 * Reads the date, the commit and the machine of this run.
 *
 * @throws Error if `git` cannot name the commit.
 */
export async function provenance(load: string): Promise<Provenance> {
  const model = await Deno.readTextFile("/proc/cpuinfo").then(
    (text) => text.match(/^model name\s*:\s*(.+)$/m)?.[1],
    () => undefined,
  );
  const gibibytes = digits(Deno.systemMemoryInfo().total / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: `${navigator.hardwareConcurrency} × ${model ?? Deno.build.arch}, ${gibibytes} GiB, ` +
      `${Deno.build.os} ${Deno.osRelease()}, Deno ${Deno.version.deno}`,
    load,
  };
}

async function commit(): Promise<string> {
  const args = ["describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"];
  const { success, stdout, stderr } = await new Deno.Command("git", { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`git cannot name the commit: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}
