/**
 * `deno task bench [--quick] [row …] [-- name=binary …]`: measures this launcher beside a bare `Deno.serve` and others, and
 * prints what was seen beside what is promised. README.md says how to read it.
 */
import { findLoadGenerator } from "./load.ts";
import { stopServers } from "./processes.ts";
import type { Bench, Length, Other } from "./row.ts";
import { rows } from "./rows.ts";
import { digits, type Section, summary, table } from "./table.ts";

/** What the command line asks for. */
export interface Command {
  readonly length: Length;
  /** Names of rows; none for all. */
  readonly names: readonly string[];
  readonly others: readonly Other[];
}

const lengths: Record<Length["name"], Length> = {
  smoke: { name: "smoke", seconds: 0.15, rounds: 1 },
  quick: { name: "quick", seconds: 0.4, rounds: 3 },
  full: { name: "full", seconds: 3, rounds: 5 },
};

/**
 * Reads the command line; `seconds` (the variable `BENCH_SECONDS`) is how long one measurement lasts.
 *
 * @throws Error that says what is wrong with it.
 */
export function parseCommand(args: readonly string[], seconds?: string): Command {
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  const after = end < 0 ? [] : args.slice(end + 1);
  const names: string[] = [];
  let length = lengths.full;
  for (const word of before) {
    if (word === "--quick") length = lengths.quick;
    else if (word === "--smoke") length = lengths.smoke;
    else if (rows.some(({ name }) => name === word)) names.push(word);
    else {
      const known = rows.map(({ name }) => name).join(", ");
      throw new Error(
        `"${word}" is no row: there are ${known}; and --quick, and name=binary after --`,
      );
    }
  }
  const others = after.map((word): Other => {
    const [, name, command = ""] = word.match(/^([^=]+)=(.+)$/) ?? [];
    if (name === undefined) throw new Error(`another launcher is named name=binary: got "${word}"`);
    return { name, words: command.split(" ") };
  });
  if (seconds) {
    if (!(Number(seconds) > 0)) {
      throw new Error(`BENCH_SECONDS is a number above 0: got "${seconds}"`);
    }
    length = { ...length, seconds: Number(seconds) };
  }
  return { length, names, others };
}

/** Runs the rows that the command names; a row that fails is reported, and the others run. */
export async function run(
  command: Command,
  say: (text: string) => void,
): Promise<{ text: string; failed: string[] }> {
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
  const head =
    `${load.name}, ${length.rounds} rounds of ${length.seconds} s each in turn (${length.name}); ` +
    `load average before: ${digits(loadBefore)} on ${navigator.hardwareConcurrency} processors`;
  return { text: `${head}\n\n${table(sections)}\n${summary(sections)}\n`, failed };
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
    const { text, failed } = await run(command, (line) => console.error(line));
    console.log(text);
    for (const line of failed) console.error(line);
    Deno.exit(failed.length > 0 ? 1 : 0);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}
