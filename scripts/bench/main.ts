/**
 * `deno task bench [--quick] [row …] [-- [--write] [name=binary …]]`: measures this launcher
 * beside a bare `Deno.serve` and others, and prints each result beside its target. README.md
 * explains how to read it; `--write` also writes these rows into `docs/benchmarks.md`.
 */
import { formatMarkdown } from "../format_markdown.ts";
import { root } from "./contenders.ts";
import { findLoadGenerator } from "./load.ts";
import { benchmarksPage, provenance } from "./page.ts";
import { stopServers } from "./processes.ts";
import type { Bench, Length, Other } from "./row.ts";
import { rows } from "./rows.ts";
import { digits, type Section, summary, table } from "./table.ts";

/** A parsed command line. */
export interface Command {
  readonly length: Length;
  /** Names of rows; empty for all. */
  readonly names: readonly string[];
  readonly others: readonly Other[];
  /** True if `docs/benchmarks.md` is to receive the measured rows. */
  readonly write: boolean;
}

const lengths: Record<Length["name"], Length> = {
  smoke: { name: "smoke", seconds: 0.15, rounds: 1 },
  quick: { name: "quick", seconds: 0.4, rounds: 3 },
  full: { name: "full", seconds: 3, rounds: 5 },
};

/**
 * Parses the command line. `seconds` is the duration of one measurement (the variable
 * `BENCH_SECONDS`).
 *
 * @throws Error that names the invalid word.
 */
export function parseCommand(args: readonly string[], seconds?: string): Command {
  const end = args.indexOf("--");
  const names: string[] = [];
  const others: Other[] = [];
  let length = lengths.full;
  let write = false;
  for (const [index, word] of args.entries()) {
    const [, name, command = ""] = word.match(/^([^=]+)=(.+)$/) ?? [];
    if (index === end) continue;
    if (word === "--quick") length = lengths.quick;
    else if (word === "--smoke") length = lengths.smoke;
    else if (word === "--write") write = true;
    else if (end >= 0 && index > end) {
      if (name === undefined) {
        throw new Error(`another launcher is named name=binary: got "${word}"`);
      }
      others.push({ name, words: command.split(" ") });
    } else if (rows.some((row) => row.name === word)) names.push(word);
    else {
      const known = rows.map(({ name }) => name).join(", ");
      throw new Error(
        `"${word}" is not a row: the rows are ${known}; and --quick, --write, and name=binary after --`,
      );
    }
  }
  if (seconds) {
    if (!(Number(seconds) > 0)) {
      throw new Error(`BENCH_SECONDS is a number above 0: got "${seconds}"`);
    }
    length = { ...length, seconds: Number(seconds) };
  }
  return { length, names, others, write };
}

/** The result of a run. */
export interface Report {
  readonly sections: readonly Section[];
  /** Load tool, rounds, seconds, and the load average before the run. */
  readonly load: string;
  /** One message for each row that threw. */
  readonly failed: readonly string[];
}

/** Runs the rows that the command names; one that throws is reported and the others run. */
export async function run(command: Command, say: (text: string) => void): Promise<Report> {
  const { length, names, others } = command;
  const load = await findLoadGenerator();
  if (load.caution !== undefined) say(load.caution);
  const [loadBefore = 0] = Deno.loadavg();
  const sections: Section[] = [];
  const failed: string[] = [];
  for (const row of rows) {
    if (names.length > 0 && !names.includes(row.name)) continue;
    say(`${row.name}: ${row.about}`);
    const bench: Bench = { load, length, others, say: (text) => say(`  ${text}`) };
    try {
      sections.push({ name: row.name, lines: await row.run(bench) });
    } catch (error) {
      failed.push(`${row.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  const description =
    `${load.name}, ${length.rounds} alternating rounds of ${length.seconds} s (${length.name}); ` +
    `load average before: ${digits(loadBefore)} on ${navigator.hardwareConcurrency} processors`;
  return { sections, load: description, failed };
}

if (import.meta.main) {
  const interrupted = () => {
    stopServers();
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  try {
    const command = parseCommand(Deno.args, Deno.env.get("BENCH_SECONDS"));
    const { sections, load, failed } = await run(command, (line) => console.error(line));
    console.log(`${load}\n\n${table(sections)}\n${summary(sections)}\n`);
    if (command.write && failed.length === 0) {
      const path = `${root}docs/benchmarks.md`;
      const page = benchmarksPage(
        sections,
        await provenance(load),
        await Deno.readTextFile(path),
      );
      await Deno.writeTextFile(path, await formatMarkdown(page));
    }
    for (const line of failed) console.error(line);
    Deno.exit(failed.length > 0 ? 1 : 0);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}
